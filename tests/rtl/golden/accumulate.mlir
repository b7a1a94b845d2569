"builtin.module"() ({
  "func.func"() <{function_type = (i32, !allo.stream<i16, 4>, memref<1xi32>) -> (), sym_name = "accumulate"}> ({
  ^bb0(%n: i32, %in: !allo.stream<i16, 4>, %sum: memref<1xi32>):
    %zero = "arith.constant"() <{value = 0 : i32}> : () -> i32
    %low = "arith.constant"() <{value = 0 : index}> : () -> index
    %one = "arith.constant"() <{value = 1 : index}> : () -> index
    %acc = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "acc"} : () -> memref<i32>
    "affine.store"(%zero, %acc) <{map = affine_map<() -> ()>}> {to = "acc"} : (i32, memref<i32>) -> () loc("kernel.py":3:0)
    %high = "arith.index_cast"(%n) : (i32) -> index
    "scf.for"(%low, %high, %one) ({
    ^bb0(%i: index):
      %x = "allo.stream_get"(%in) <{indices = array<i64>}> : (!allo.stream<i16, 4>) -> i16 loc("kernel.py":5:0)
      %wide = "arith.extsi"(%x) : (i16) -> i33
      %old = "affine.load"(%acc) <{map = affine_map<() -> ()>}> {from = "acc"} : (memref<i32>) -> i32
      %more = "arith.extsi"(%old) : (i32) -> i33
      %total = "arith.addi"(%more, %wide) : (i33, i33) -> i33 loc("kernel.py":6:0)
      %cut = "arith.trunci"(%total) : (i33) -> i32
      "affine.store"(%cut, %acc) <{map = affine_map<() -> ()>}> {to = "acc"} : (i32, memref<i32>) -> ()
      "scf.yield"() : () -> ()
    }) {loop_name = "i", op_name = "S_i_0", pipeline_ii = 1 : ui32} : (index, index, index) -> () loc("kernel.py":4:0)
    %end = "affine.load"(%acc) <{map = affine_map<() -> ()>}> {from = "acc"} : (memref<i32>) -> i32
    "affine.store"(%end, %sum) <{map = affine_map<() -> (0)>}> {to = "sum"} : (i32, memref<1xi32>) -> ()
    "func.return"() : () -> ()
  }) {itypes = "sss", otypes = ""} : () -> ()
}) : () -> ()
