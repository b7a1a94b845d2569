"builtin.module"() ({
  "func.func"() <{function_type = (memref<64xi128>, !allo.stream<i128, 8>) -> (), sym_name = "load"}> ({
  ^bb0(%memory: memref<64xi128>, %pipe: !allo.stream<i128, 8>):
    "affine.for"() <{lowerBoundMap = affine_map<() -> (0)>, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = affine_map<() -> (48)>}> ({
    ^bb0(%i: index):
      %word = "affine.load"(%memory, %i) <{map = affine_map<(d0) -> (d0 + 16)>}> {from = "memory", unsigned} : (memref<64xi128>, index) -> i128
      "allo.stream_put"(%pipe, %word) <{indices = array<i64>}> {unsigned} : (!allo.stream<i128, 8>, i128) -> ()
      "affine.yield"() : () -> ()
    }) {loop_name = "i", op_name = "S_i_0", pipeline_ii = 1 : ui32} : () -> ()
    "func.return"() : () -> ()
  }) {df.kernel, itypes = "uu", otypes = ""} : () -> ()
  "func.func"() <{function_type = (memref<64xi128>, !allo.stream<i128, 8>) -> (), sym_name = "store"}> ({
  ^bb0(%memory: memref<64xi128>, %pipe: !allo.stream<i128, 8>):
    "affine.for"() <{lowerBoundMap = affine_map<() -> (0)>, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = affine_map<() -> (48)>}> ({
    ^bb0(%i: index):
      %word = "allo.stream_get"(%pipe) <{indices = array<i64>}> {unsigned} : (!allo.stream<i128, 8>) -> i128
      "affine.store"(%word, %memory, %i) <{map = affine_map<(d0) -> (d0)>}> {to = "memory"} : (i128, memref<64xi128>, index) -> ()
      "affine.yield"() : () -> ()
    }) {loop_name = "i", op_name = "S_i_0", pipeline_ii = 1 : ui32} : () -> ()
    "func.return"() : () -> ()
  }) {df.kernel, itypes = "uu", otypes = ""} : () -> ()
  "func.func"() <{function_type = (memref<64xi128>, memref<64xi128>) -> (), sym_name = "move"}> ({
  ^bb0(%from: memref<64xi128>, %to: memref<64xi128>):
    %pipe = "allo.stream_construct"() {name = "pipe", unsigned} : () -> !allo.stream<i128, 8>
    "func.call"(%from, %pipe) <{callee = @load}> : (memref<64xi128>, !allo.stream<i128, 8>) -> ()
    "func.call"(%to, %pipe) <{callee = @store}> {last} : (memref<64xi128>, !allo.stream<i128, 8>) -> ()
    "func.return"() : () -> ()
  }) {dataflow, inputs = "from,to", itypes = "uu"} : () -> ()
}) : () -> ()
