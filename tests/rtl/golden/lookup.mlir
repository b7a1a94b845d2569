"builtin.module"() ({
  "memref.global"() <{initial_value = dense<[3, -1, 4, 1]> : tensor<4xi8>, sym_name = "table", sym_visibility = "private", type = memref<4xi8>}> : () -> ()
  "func.func"() <{function_type = (memref<16xi8>, memref<16xi8>) -> (), sym_name = "lookup"}> ({
  ^bb0(%in: memref<16xi8>, %out: memref<16xi8>):
    %table = "memref.get_global"() <{name = @table}> : () -> memref<4xi8>
    "affine.for"() <{lowerBoundMap = affine_map<() -> (0)>, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = affine_map<() -> (16)>}> ({
    ^bb0(%i: index):
      %three = "arith.constant"() <{value = 3 : i8}> : () -> i8
      %x = "affine.load"(%in, %i) <{map = affine_map<(d0) -> (d0)>}> {from = "in"} : (memref<16xi8>, index) -> i8
      %low = "arith.andi"(%x, %three) : (i8, i8) -> i8
      %at = "arith.index_cast"(%low) : (i8) -> index
      %y = "memref.load"(%table, %at) {from = "table"} : (memref<4xi8>, index) -> i8
      %negative = "arith.cmpi"(%x, %y) <{predicate = 2 : i64}> : (i8, i8) -> i1
      "scf.if"(%negative) ({
        "affine.store"(%y, %out, %i) <{map = affine_map<(d0) -> (d0)>}> {to = "out"} : (i8, memref<16xi8>, index) -> ()
        "scf.yield"() : () -> ()
      }, {
        "affine.store"(%x, %out, %i) <{map = affine_map<(d0) -> (d0)>}> {to = "out"} : (i8, memref<16xi8>, index) -> ()
        "scf.yield"() : () -> ()
      }) : (i1) -> ()
      "affine.yield"() : () -> ()
    }) {loop_name = "i", op_name = "S_i_0", pipeline_ii = 1 : ui32} : () -> ()
    "func.return"() : () -> ()
  }) {itypes = "ss", otypes = ""} : () -> ()
}) : () -> ()
