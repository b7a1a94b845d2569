#loc = loc(unknown)
#loc1 = loc("kernels/ternary_matvec.py":102:8)
#loc5 = loc("kernels/ternary_matvec.py":47:0)
#loc9 = loc("kernels/ternary_matvec.py":57:4)
#loc12 = loc("kernels/ternary_matvec.py":59:8)
#loc19 = loc("kernels/ternary_matvec.py":63:4)
#loc22 = loc("kernels/ternary_matvec.py":65:8)
#loc31 = loc("kernels/ternary_matvec.py":76:4)
#loc34 = loc("kernels/ternary_matvec.py":78:8)
#loc45 = loc("kernels/ternary_matvec.py":82:4)
#loc46 = loc("kernels/ternary_matvec.py":84:8)
#loc64 = loc("kernels/ternary_matvec.py":114:8)
#loc87 = loc("kernels/ternary_matvec.py":129:16)
#loc98 = loc("kernels/ternary_matvec.py":137:20)
#map = affine_map<(d0) -> (d0)>
#map1 = affine_map<() -> (0)>
#map2 = affine_map<() -> (3280)>
#map3 = affine_map<(d0) -> (d0, 0)>
#map4 = affine_map<(d0, d1, d2, d3) -> (0, d1, d2, d3, d0, 0, 0, 0)>
#map5 = affine_map<(d0, d1) -> (d0, d1, 0, 0)>
#map6 = affine_map<(d0, d1, d2) -> (d0, d1, d2, 0, 0, 0)>
#map7 = affine_map<() -> ()>
#map8 = affine_map<(d0, d1) -> (d0 * 16 + d1)>
#map9 = affine_map<() -> (16)>
#map10 = affine_map<() -> (4)>
#map11 = affine_map<(d0, d1) -> (d0, d1)>
#map12 = affine_map<() -> (5)>
#map13 = affine_map<() -> (64)>
#map14 = affine_map<(d0, d1, d2) -> (d0, d1 * 16 + d2)>
#map15 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 * 16 + d3 + 64)>
#map16 = affine_map<(d0, d1, d2) -> (d0, d1, d2 * -2 + 126)>
#map17 = affine_map<(d0, d1, d2) -> (d0, d1, d2 * -2 + 127)>
#map18 = affine_map<(d0, d1, d2) -> (d0, d1, -d2 + 63)>
#map19 = affine_map<() -> (63)>
#map20 = affine_map<(d0, d1) -> (d0, d1, 1)>
#map21 = affine_map<() -> (1)>
#map22 = affine_map<() -> (2)>
#map23 = affine_map<() -> (3)>
#map24 = affine_map<(d0) -> (d0 + 1)>
#map25 = affine_map<() -> (19)>
#map26 = affine_map<(d0, d1) -> (d0 * 4 + d1)>
#map27 = affine_map<() -> (4120)>
"builtin.module"() ({
  "func.func"() <{function_type = (memref<3280xi128>, !allo.stream<i128, 16>) -> (), sym_name = "load_0_0"}> ({
  ^bb0(%arg40: memref<3280xi128> loc(unknown), %arg41: !allo.stream<i128, 16> loc(unknown)):
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map2}> ({
    ^bb0(%arg42: index loc("kernels/ternary_matvec.py":102:8)):
      %144 = "affine.load"(%arg40, %arg42) <{map = #map}> {from = "memory", unsigned} : (memref<3280xi128>, index) -> i128 loc(#loc2)
      "allo.stream_put"(%arg41, %144) <{indices = array<i64>}> {unsigned} : (!allo.stream<i128, 16>, i128) -> () loc(#loc3)
      "affine.yield"() : () -> () loc(#loc1)
    }) {loop_name = "n", op_name = "S_n_0", pipeline_ii = 1 : ui32} : () -> () loc(#loc1)
    "func.return"() : () -> () loc(#loc4)
  }) {df.kernel, itypes = "uu", otypes = "", stypes = "_o"} : () -> () loc(#loc)
  "func.func"() <{function_type = (memref<3280xi128>, !allo.stream<i128, 16>) -> (), sym_name = "load_1_0"}> ({
  ^bb0(%arg37: memref<3280xi128> loc(unknown), %arg38: !allo.stream<i128, 16> loc(unknown)):
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map2}> ({
    ^bb0(%arg39: index loc("kernels/ternary_matvec.py":102:8)):
      %143 = "affine.load"(%arg37, %arg39) <{map = #map}> {from = "memory", unsigned} : (memref<3280xi128>, index) -> i128 loc(#loc2)
      "allo.stream_put"(%arg38, %143) <{indices = array<i64>}> {unsigned} : (!allo.stream<i128, 16>, i128) -> () loc(#loc3)
      "affine.yield"() : () -> () loc(#loc1)
    }) {loop_name = "n", op_name = "S_n_0", pipeline_ii = 1 : ui32} : () -> () loc(#loc1)
    "func.return"() : () -> () loc(#loc4)
  }) {df.kernel, itypes = "uu", otypes = "", stypes = "_o"} : () -> () loc(#loc)
  "func.func"() <{function_type = (memref<3280xi128>, !allo.stream<i128, 16>) -> (), sym_name = "load_2_0"}> ({
  ^bb0(%arg34: memref<3280xi128> loc(unknown), %arg35: !allo.stream<i128, 16> loc(unknown)):
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map2}> ({
    ^bb0(%arg36: index loc("kernels/ternary_matvec.py":102:8)):
      %142 = "affine.load"(%arg34, %arg36) <{map = #map}> {from = "memory", unsigned} : (memref<3280xi128>, index) -> i128 loc(#loc2)
      "allo.stream_put"(%arg35, %142) <{indices = array<i64>}> {unsigned} : (!allo.stream<i128, 16>, i128) -> () loc(#loc3)
      "affine.yield"() : () -> () loc(#loc1)
    }) {loop_name = "n", op_name = "S_n_0", pipeline_ii = 1 : ui32} : () -> () loc(#loc1)
    "func.return"() : () -> () loc(#loc4)
  }) {df.kernel, itypes = "uu", otypes = "", stypes = "_o"} : () -> () loc(#loc)
  "func.func"() <{function_type = (memref<3280xi128>, !allo.stream<i128, 16>) -> (), sym_name = "load_3_0"}> ({
  ^bb0(%arg31: memref<3280xi128> loc(unknown), %arg32: !allo.stream<i128, 16> loc(unknown)):
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map2}> ({
    ^bb0(%arg33: index loc("kernels/ternary_matvec.py":102:8)):
      %141 = "affine.load"(%arg31, %arg33) <{map = #map}> {from = "memory", unsigned} : (memref<3280xi128>, index) -> i128 loc(#loc2)
      "allo.stream_put"(%arg32, %141) <{indices = array<i64>}> {unsigned} : (!allo.stream<i128, 16>, i128) -> () loc(#loc3)
      "affine.yield"() : () -> () loc(#loc1)
    }) {loop_name = "n", op_name = "S_n_0", pipeline_ii = 1 : ui32} : () -> () loc(#loc1)
    "func.return"() : () -> () loc(#loc4)
  }) {df.kernel, itypes = "uu", otypes = "", stypes = "_o"} : () -> () loc(#loc)
  "func.func"() <{function_type = (memref<4xi128, #map3>, memref<108x4x4x16xi8, #map4>, i32, memref<5x4xi21, #map5>) -> (), sym_name = "multiply_word"}> ({
  ^bb0(%arg16: memref<4xi128, #map3> loc("kernels/ternary_matvec.py":47:0), %arg17: memref<108x4x4x16xi8, #map4> loc("kernels/ternary_matvec.py":47:0), %arg18: i32 loc("kernels/ternary_matvec.py":47:0), %arg19: memref<5x4xi21, #map5> loc("kernels/ternary_matvec.py":47:0)):
    %61 = "arith.constant"() <{value = -1 : i32}> {name = "%c-1_i32"} : () -> i32 loc(#loc)
    %62 = "arith.constant"() <{value = 1 : i33}> {name = "%c1_i33"} : () -> i33 loc(#loc)
    %63 = "arith.constant"() <{value = 8 : i16}> {name = "%c8_i16"} : () -> i16 loc(#loc)
    %64 = "arith.constant"() <{value = 1 : i16}> {name = "%c1_i16"} : () -> i16 loc(#loc)
    %65 = "arith.constant"() <{value = 8 : i128}> {name = "%c8_i128"} : () -> i128 loc(#loc)
    %66 = "arith.constant"() <{value = 0 : i16}> {name = "%c0_i16"} : () -> i16 loc(#loc)
    %67 = "arith.constant"() <{value = 0 : i32}> {name = "%c0_i32"} : () -> i32 loc(#loc)
    %68 = "arith.constant"() <{value = 1 : i32}> {name = "%c1_i32"} : () -> i32 loc(#loc)
    %69 = "arith.constant"() <{value = 255 : i32}> {name = "%c255_i32"} : () -> i32 loc(#loc)
    %70 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "lanes"} : () -> memref<64xi16, #map3> loc(#loc6)
    %71 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "trits"} : () -> memref<5x64xi16, #map5> loc(#loc7)
    %72 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "tree"} : () -> memref<5x4x128xi16, #map6> loc(#loc8)
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map10}> ({
    ^bb0(%arg29: index loc("kernels/ternary_matvec.py":57:4)):
      %130 = "affine.load"(%arg16, %arg29) <{map = #map}> {from = "word", unsigned} : (memref<4xi128, #map3>, index) -> i128 loc(#loc10)
      %131 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "rest", unsigned} : () -> memref<i128> loc(#loc11)
      "affine.store"(%130, %131) <{map = #map7}> {to = "rest"} : (i128, memref<i128>) -> () loc(#loc11)
      "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map9}> ({
      ^bb0(%arg30: index loc("kernels/ternary_matvec.py":59:8)):
        %132 = "affine.load"(%131) <{map = #map7}> {from = "rest"} : (memref<i128>) -> i128 loc(#loc13)
        %133 = "arith.trunci"(%132) <{overflowFlags = #arith.overflow<none>}> : (i128) -> i16 loc(#loc14)
        %134 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "low"} : () -> memref<i16> loc(#loc14)
        "affine.store"(%133, %134) <{map = #map7}> {to = "low"} : (i16, memref<i16>) -> () loc(#loc14)
        %135 = "affine.load"(%134) <{map = #map7}> {from = "low"} : (memref<i16>) -> i16 loc(#loc15)
        %136 = "arith.extsi"(%135) : (i16) -> i32 loc(#loc15)
        %137 = "arith.andi"(%136, %69) : (i32, i32) -> i32 loc(#loc15)
        %138 = "arith.trunci"(%137) <{overflowFlags = #arith.overflow<none>}> : (i32) -> i16 loc(#loc16)
        "affine.store"(%138, %70, %arg29, %arg30) <{map = #map8}> {to = "lanes"} : (i16, memref<64xi16, #map3>, index, index) -> () loc(#loc16)
        %139 = "affine.load"(%131) <{map = #map7}> {from = "rest"} : (memref<i128>) -> i128 loc(#loc17)
        %140 = "arith.shrui"(%139, %65) {unsigned} : (i128, i128) -> i128 loc(#loc17)
        "affine.store"(%140, %131) <{map = #map7}> {to = "rest"} : (i128, memref<i128>) -> () loc(#loc18)
        "affine.yield"() : () -> () loc(#loc12)
      }) {loop_name = "j", op_name = "S_j_0"} : () -> () loc(#loc12)
      "affine.yield"() : () -> () loc(#loc9)
    }) {loop_name = "p", op_name = "S_p_0"} : () -> () loc(#loc9)
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map13}> ({
    ^bb0(%arg27: index loc("kernels/ternary_matvec.py":63:4)):
      %112 = "affine.load"(%70, %arg27) <{map = #map}> {from = "lanes"} : (memref<64xi16, #map3>, index) -> i16 loc(#loc20)
      %113 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "byte"} : () -> memref<i16> loc(#loc21)
      "affine.store"(%112, %113) <{map = #map7}> {to = "byte"} : (i16, memref<i16>) -> () loc(#loc21)
      "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map12}> ({
      ^bb0(%arg28: index loc("kernels/ternary_matvec.py":65:8)):
        %114 = "affine.load"(%113) <{map = #map7}> {from = "byte"} : (memref<i16>) -> i16 loc(#loc23)
        %115 = "arith.shli"(%114, %64) <{overflowFlags = #arith.overflow<none>}> : (i16, i16) -> i16 loc(#loc24)
        %116 = "arith.extsi"(%114) : (i16) -> i17 loc(#loc23)
        %117 = "arith.extui"(%115) : (i16) -> i17 loc(#loc23)
        %118 = "arith.addi"(%116, %117) <{overflowFlags = #arith.overflow<none>}> : (i17, i17) -> i17 loc(#loc23)
        %119 = "arith.trunci"(%118) <{overflowFlags = #arith.overflow<none>}> : (i17) -> i16 loc(#loc25)
        %120 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "triple"} : () -> memref<i16> loc(#loc25)
        "affine.store"(%119, %120) <{map = #map7}> {to = "triple"} : (i16, memref<i16>) -> () loc(#loc25)
        %121 = "affine.load"(%120) <{map = #map7}> {from = "triple"} : (memref<i16>) -> i16 loc(#loc26)
        %122 = "arith.shrsi"(%121, %63) : (i16, i16) -> i16 loc(#loc26)
        %123 = "arith.extsi"(%122) : (i16) -> i33 loc(#loc27)
        %124 = "arith.subi"(%123, %62) <{overflowFlags = #arith.overflow<none>}> : (i33, i33) -> i33 loc(#loc27)
        %125 = "arith.trunci"(%124) <{overflowFlags = #arith.overflow<none>}> : (i33) -> i16 loc(#loc28)
        "affine.store"(%125, %71, %arg28, %arg27) <{map = #map11}> {to = "trits"} : (i16, memref<5x64xi16, #map5>, index, index) -> () loc(#loc28)
        %126 = "affine.load"(%120) <{map = #map7}> {from = "triple"} : (memref<i16>) -> i16 loc(#loc29)
        %127 = "arith.extsi"(%126) : (i16) -> i32 loc(#loc29)
        %128 = "arith.andi"(%127, %69) : (i32, i32) -> i32 loc(#loc29)
        %129 = "arith.trunci"(%128) <{overflowFlags = #arith.overflow<none>}> : (i32) -> i16 loc(#loc30)
        "affine.store"(%129, %113) <{map = #map7}> {to = "byte"} : (i16, memref<i16>) -> () loc(#loc30)
        "affine.yield"() : () -> () loc(#loc22)
      }) {loop_name = "r", op_name = "S_r_2"} : () -> () loc(#loc22)
      "affine.yield"() : () -> () loc(#loc19)
    }) {loop_name = "m", op_name = "S_m_2"} : () -> () loc(#loc19)
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map10}> ({
    ^bb0(%arg23: index loc("kernels/ternary_matvec.py":76:4)):
      "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map10}> ({
      ^bb0(%arg24: index loc("kernels/ternary_matvec.py":76:4)):
        "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map9}> ({
        ^bb0(%arg25: index loc("kernels/ternary_matvec.py":76:4)):
          %91 = "arith.index_cast"(%arg18) : (i32) -> index loc(#loc32)
          %92 = "memref.load"(%arg17, %91, %arg23, %arg24, %arg25) {from = "codes"} : (memref<108x4x4x16xi8, #map4>, index, index, index, index) -> i8 loc(#loc32)
          %93 = "arith.extsi"(%92) : (i8) -> i16 loc(#loc33)
          %94 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "code"} : () -> memref<i16> loc(#loc33)
          "affine.store"(%93, %94) <{map = #map7}> {to = "code"} : (i16, memref<i16>) -> () loc(#loc33)
          "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map12}> ({
          ^bb0(%arg26: index loc("kernels/ternary_matvec.py":78:8)):
            %95 = "affine.load"(%71, %arg26, %arg24, %arg25) <{map = #map14}> {from = "trits"} : (memref<5x64xi16, #map5>, index, index, index) -> i16 loc(#loc35)
            %96 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "trit"} : () -> memref<i16> loc(#loc36)
            "affine.store"(%95, %96) <{map = #map7}> {to = "trit"} : (i16, memref<i16>) -> () loc(#loc36)
            %97 = "affine.load"(%96) <{map = #map7}> {from = "trit"} : (memref<i16>) -> i16 loc(#loc37)
            %98 = "arith.extsi"(%97) : (i16) -> i32 loc(#loc37)
            %99 = "arith.cmpi"(%98, %68) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc37)
            %100 = "affine.load"(%94) <{map = #map7}> {from = "code"} : (memref<i16>) -> i16 loc(#loc38)
            %101 = "arith.extsi"(%100) : (i16) -> i32 loc(#loc38)
            %102 = "arith.select"(%99, %101, %67) : (i1, i32, i32) -> i32 loc(#loc38)
            %103 = "arith.trunci"(%102) <{overflowFlags = #arith.overflow<none>}> : (i32) -> i16 loc(#loc39)
            %104 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "added"} : () -> memref<i16> loc(#loc39)
            "affine.store"(%103, %104) <{map = #map7}> {to = "added"} : (i16, memref<i16>) -> () loc(#loc39)
            %105 = "affine.load"(%96) <{map = #map7}> {from = "trit"} : (memref<i16>) -> i16 loc(#loc40)
            %106 = "arith.extsi"(%105) : (i16) -> i32 loc(#loc40)
            %107 = "arith.cmpi"(%106, %61) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc40)
            %108 = "affine.load"(%94) <{map = #map7}> {from = "code"} : (memref<i16>) -> i16 loc(#loc41)
            %109 = "arith.subi"(%66, %108) <{overflowFlags = #arith.overflow<none>}> : (i16, i16) -> i16 loc(#loc42)
            %110 = "affine.load"(%104) <{map = #map7}> {from = "added"} : (memref<i16>) -> i16 loc(#loc43)
            %111 = "arith.select"(%107, %109, %110) : (i1, i16, i16) -> i16 loc(#loc42)
            "affine.store"(%111, %72, %arg26, %arg23, %arg24, %arg25) <{map = #map15}> {to = "tree"} : (i16, memref<5x4x128xi16, #map6>, index, index, index, index) -> () loc(#loc44)
            "affine.yield"() : () -> () loc(#loc34)
          }) {loop_name = "r", op_name = "S_r_4"} : () -> () loc(#loc34)
          "affine.yield"() : () -> () loc(#loc31)
        }) {loop_name = "e"} : () -> () loc(#loc31)
        "affine.yield"() : () -> () loc(#loc31)
      }) {loop_name = "k"} : () -> () loc(#loc31)
      "affine.yield"() : () -> () loc(#loc31)
    }) {loop_name = "t", op_name = "S_t_k_e_4"} : () -> () loc(#loc31)
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map12}> ({
    ^bb0(%arg20: index loc("kernels/ternary_matvec.py":82:4)):
      "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map10}> ({
      ^bb0(%arg21: index loc("kernels/ternary_matvec.py":82:4)):
        "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map19}> ({
        ^bb0(%arg22: index loc("kernels/ternary_matvec.py":84:8)):
          %85 = "affine.load"(%72, %arg20, %arg21, %arg22) <{map = #map16}> : (memref<5x4x128xi16, #map6>, index, index, index) -> i16 loc(#loc47)
          %86 = "affine.load"(%72, %arg20, %arg21, %arg22) <{map = #map17}> : (memref<5x4x128xi16, #map6>, index, index, index) -> i16 loc(#loc48)
          %87 = "arith.extsi"(%85) : (i16) -> i17 loc(#loc47)
          %88 = "arith.extsi"(%86) : (i16) -> i17 loc(#loc47)
          %89 = "arith.addi"(%87, %88) <{overflowFlags = #arith.overflow<none>}> : (i17, i17) -> i17 loc(#loc47)
          %90 = "arith.trunci"(%89) <{overflowFlags = #arith.overflow<none>}> : (i17) -> i16 loc(#loc49)
          "affine.store"(%90, %72, %arg20, %arg21, %arg22) <{map = #map18}> {to = "tree"} : (i16, memref<5x4x128xi16, #map6>, index, index, index) -> () loc(#loc49)
          "affine.yield"() : () -> () loc(#loc46)
        }) {loop_name = "n", op_name = "S_n_6"} : () -> () loc(#loc46)
        %73 = "arith.cmpi"(%arg18, %67) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc50)
        %74 = "affine.load"(%arg19, %arg20, %arg21) <{map = #map11}> {from = "sums"} : (memref<5x4xi21, #map5>, index, index) -> i21 loc(#loc51)
        %75 = "arith.extsi"(%74) : (i21) -> i32 loc(#loc52)
        %76 = "arith.select"(%73, %67, %75) : (i1, i32, i32) -> i32 loc(#loc52)
        %77 = "arith.trunci"(%76) <{overflowFlags = #arith.overflow<none>}> : (i32) -> i21 loc(#loc53)
        %78 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "before"} : () -> memref<i21> loc(#loc53)
        "affine.store"(%77, %78) <{map = #map7}> {to = "before"} : (i21, memref<i21>) -> () loc(#loc53)
        %79 = "affine.load"(%78) <{map = #map7}> {from = "before"} : (memref<i21>) -> i21 loc(#loc54)
        %80 = "affine.load"(%72, %arg20, %arg21) <{map = #map20}> {from = "tree"} : (memref<5x4x128xi16, #map6>, index, index) -> i16 loc(#loc55)
        %81 = "arith.extsi"(%79) : (i21) -> i22 loc(#loc54)
        %82 = "arith.extsi"(%80) : (i16) -> i22 loc(#loc54)
        %83 = "arith.addi"(%81, %82) <{overflowFlags = #arith.overflow<none>}> : (i22, i22) -> i22 loc(#loc54)
        %84 = "arith.trunci"(%83) <{overflowFlags = #arith.overflow<none>}> : (i22) -> i21 loc(#loc56)
        "affine.store"(%84, %arg19, %arg20, %arg21) <{map = #map11}> {to = "sums"} : (i21, memref<5x4xi21, #map5>, index, index) -> () loc(#loc56)
        "affine.yield"() : () -> () loc(#loc45)
      }) {loop_name = "t"} : () -> () loc(#loc45)
      "affine.yield"() : () -> () loc(#loc45)
    }) {loop_name = "r", op_name = "S_r_t_6"} : () -> () loc(#loc45)
    "func.return"() : () -> () loc(#loc5)
  }) {itypes = "usss", otypes = ""} : () -> () loc(#loc5)
  "func.func"() <{function_type = (memref<108x4x4x16xi8, #map4>, memref<4096xi32>, !allo.stream<i128, 16>, !allo.stream<i128, 16>, !allo.stream<i128, 16>, !allo.stream<i128, 16>) -> (), sym_name = "multiply_0"}> ({
  ^bb0(%arg6: memref<108x4x4x16xi8, #map4> loc(unknown), %arg7: memref<4096xi32> loc(unknown), %arg8: !allo.stream<i128, 16> loc(unknown), %arg9: !allo.stream<i128, 16> loc(unknown), %arg10: !allo.stream<i128, 16> loc(unknown), %arg11: !allo.stream<i128, 16> loc(unknown)):
    %4 = "arith.constant"() <{value = 4100 : i33}> {name = "%c4100_i33"} : () -> i33 loc(#loc)
    %5 = "arith.constant"() <{value = 1 : i33}> {name = "%c1_i33"} : () -> i33 loc(#loc)
    %6 = "arith.constant"() <{value = 4 : i32}> {name = "%c4_i32"} : () -> i32 loc(#loc)
    %7 = "arith.constant"() <{value = 20 : i32}> {name = "%c20_i32"} : () -> i32 loc(#loc)
    %8 = "arith.constant"() <{value = 16 : i32}> {name = "%c16_i32"} : () -> i32 loc(#loc)
    %9 = "arith.constant"() <{value = 4096 : i32}> {name = "%c4096_i32"} : () -> i32 loc(#loc)
    %10 = "arith.constant"() <{value = 1 : i32}> {name = "%c1_i32"} : () -> i32 loc(#loc)
    %11 = "arith.constant"() <{value = 0 : i32}> {name = "%c0_i32"} : () -> i32 loc(#loc)
    %12 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "word", unsigned} : () -> memref<4xi128, #map3> loc(#loc57)
    %13 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "group"} : () -> memref<5x4xi21, #map5> loc(#loc58)
    %14 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "leaving"} : () -> memref<20xi21, #map3> loc(#loc59)
    %15 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "column"} : () -> memref<i32> loc(#loc60)
    "affine.store"(%11, %15) <{map = #map7}> {to = "column"} : (i32, memref<i32>) -> () loc(#loc60)
    %16 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "position"} : () -> memref<i32> loc(#loc61)
    "affine.store"(%11, %16) <{map = #map7}> {to = "position"} : (i32, memref<i32>) -> () loc(#loc61)
    %17 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "pending"} : () -> memref<i32> loc(#loc62)
    "affine.store"(%11, %17) <{map = #map7}> {to = "pending"} : (i32, memref<i32>) -> () loc(#loc62)
    %18 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "waiting"} : () -> memref<i32> loc(#loc63)
    "affine.store"(%11, %18) <{map = #map7}> {to = "waiting"} : (i32, memref<i32>) -> () loc(#loc63)
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map27}> ({
    ^bb0(%arg12: index loc("kernels/ternary_matvec.py":114:8)):
      %19 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "taking"} : () -> memref<i32> loc(#loc65)
      "affine.store"(%10, %19) <{map = #map7}> {to = "taking"} : (i32, memref<i32>) -> () loc(#loc65)
      %20 = "affine.load"(%18) <{map = #map7}> {from = "waiting"} : (memref<i32>) -> i32 loc(#loc66)
      %21 = "arith.cmpi"(%20, %11) <{predicate = 4 : i64}> : (i32, i32) -> i1 loc(#loc66)
      "scf.if"(%21) ({
        %57 = "affine.load"(%18) <{map = #map7}> {from = "waiting"} : (memref<i32>) -> i32 loc(#loc68)
        %58 = "arith.extsi"(%57) : (i32) -> i33 loc(#loc68)
        %59 = "arith.subi"(%58, %5) <{overflowFlags = #arith.overflow<none>}> : (i33, i33) -> i33 loc(#loc68)
        %60 = "arith.trunci"(%59) <{overflowFlags = #arith.overflow<none>}> : (i33) -> i32 loc(#loc68)
        "affine.store"(%60, %18) <{map = #map7}> {to = "waiting"} : (i32, memref<i32>) -> () loc(#loc68)
        "affine.store"(%11, %19) <{map = #map7}> {to = "taking"} : (i32, memref<i32>) -> () loc(#loc69)
        "scf.yield"() : () -> () loc(#loc67)
      }, {
      }) : (i1) -> () loc(#loc67)
      %22 = "arith.index_cast"(%arg12) : (index) -> i33 loc(#loc70)
      %23 = "arith.cmpi"(%22, %4) <{predicate = 2 : i64}> : (i33, i33) -> i1 loc(#loc70)
      "scf.if"(%23) ({
        %51 = "affine.load"(%19) <{map = #map7}> {from = "taking"} : (memref<i32>) -> i32 loc(#loc72)
        %52 = "arith.cmpi"(%51, %10) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc72)
        "scf.if"(%52) ({
          %53 = "allo.stream_get"(%arg8) <{indices = array<i64>}> {unsigned} : (!allo.stream<i128, 16>) -> i128 loc(#loc74)
          "affine.store"(%53, %12) <{map = #map1}> {to = "word"} : (i128, memref<4xi128, #map3>) -> () loc(#loc75)
          %54 = "allo.stream_get"(%arg9) <{indices = array<i64>}> {unsigned} : (!allo.stream<i128, 16>) -> i128 loc(#loc74)
          "affine.store"(%54, %12) <{map = #map21}> {to = "word"} : (i128, memref<4xi128, #map3>) -> () loc(#loc75)
          %55 = "allo.stream_get"(%arg10) <{indices = array<i64>}> {unsigned} : (!allo.stream<i128, 16>) -> i128 loc(#loc74)
          "affine.store"(%55, %12) <{map = #map22}> {to = "word"} : (i128, memref<4xi128, #map3>) -> () loc(#loc75)
          %56 = "allo.stream_get"(%arg11) <{indices = array<i64>}> {unsigned} : (!allo.stream<i128, 16>) -> i128 loc(#loc74)
          "affine.store"(%56, %12) <{map = #map23}> {to = "word"} : (i128, memref<4xi128, #map3>) -> () loc(#loc75)
          "scf.yield"() : () -> () loc(#loc73)
        }, {
        }) : (i1) -> () loc(#loc73)
        "scf.yield"() : () -> () loc(#loc71)
      }, {
      }) : (i1) -> () loc(#loc71)
      %24 = "affine.load"(%15) <{map = #map7}> {from = "column"} : (memref<i32>) -> i32 loc(#loc76)
      "func.call"(%12, %arg6, %24, %13) <{callee = @multiply_word}> : (memref<4xi128, #map3>, memref<108x4x4x16xi8, #map4>, i32, memref<5x4xi21, #map5>) -> () loc(#loc77)
      %25 = "affine.load"(%17) <{map = #map7}> {from = "pending"} : (memref<i32>) -> i32 loc(#loc78)
      %26 = "arith.cmpi"(%25, %11) <{predicate = 4 : i64}> : (i32, i32) -> i1 loc(#loc78)
      "scf.if"(%26) ({
        %36 = "affine.load"(%17) <{map = #map7}> {from = "pending"} : (memref<i32>) -> i32 loc(#loc80)
        %37 = "arith.extsi"(%36) : (i32) -> i33 loc(#loc80)
        %38 = "arith.subi"(%37, %5) <{overflowFlags = #arith.overflow<none>}> : (i33, i33) -> i33 loc(#loc80)
        %39 = "arith.trunci"(%38) <{overflowFlags = #arith.overflow<none>}> : (i33) -> i32 loc(#loc80)
        "affine.store"(%39, %17) <{map = #map7}> {to = "pending"} : (i32, memref<i32>) -> () loc(#loc80)
        %40 = "affine.load"(%16) <{map = #map7}> {from = "position"} : (memref<i32>) -> i32 loc(#loc81)
        %41 = "arith.cmpi"(%40, %9) <{predicate = 2 : i64}> : (i32, i32) -> i1 loc(#loc81)
        "scf.if"(%41) ({
          %47 = "affine.load"(%14) <{map = #map1}> {from = "leaving"} : (memref<20xi21, #map3>) -> i21 loc(#loc83)
          %48 = "arith.extsi"(%47) : (i21) -> i32 loc(#loc84)
          %49 = "affine.load"(%16) <{map = #map7}> {from = "position"} : (memref<i32>) -> i32 loc(#loc85)
          %50 = "arith.index_cast"(%49) : (i32) -> index loc(#loc84)
          "memref.store"(%48, %arg7, %50) {to = "result"} : (i32, memref<4096xi32>, index) -> () loc(#loc84)
          "scf.yield"() : () -> () loc(#loc82)
        }, {
        }) : (i1) -> () loc(#loc82)
        %42 = "affine.load"(%16) <{map = #map7}> {from = "position"} : (memref<i32>) -> i32 loc(#loc86)
        %43 = "arith.extsi"(%42) : (i32) -> i33 loc(#loc86)
        %44 = "arith.addi"(%43, %5) <{overflowFlags = #arith.overflow<none>}> : (i33, i33) -> i33 loc(#loc86)
        %45 = "arith.trunci"(%44) <{overflowFlags = #arith.overflow<none>}> : (i33) -> i32 loc(#loc86)
        "affine.store"(%45, %16) <{map = #map7}> {to = "position"} : (i32, memref<i32>) -> () loc(#loc86)
        "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map25}> ({
        ^bb0(%arg15: index loc("kernels/ternary_matvec.py":129:16)):
          %46 = "affine.load"(%14, %arg15) <{map = #map24}> {from = "leaving"} : (memref<20xi21, #map3>, index) -> i21 loc(#loc88)
          "affine.store"(%46, %14, %arg15) <{map = #map}> {to = "leaving"} : (i21, memref<20xi21, #map3>, index) -> () loc(#loc89)
          "affine.yield"() : () -> () loc(#loc87)
        }) {loop_name = "r", op_name = "S_r_0"} : () -> () loc(#loc87)
        "scf.yield"() : () -> () loc(#loc79)
      }, {
      }) : (i1) -> () loc(#loc79)
      %27 = "affine.load"(%19) <{map = #map7}> {from = "taking"} : (memref<i32>) -> i32 loc(#loc90)
      %28 = "arith.cmpi"(%27, %10) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc90)
      "scf.if"(%28) ({
        %29 = "affine.load"(%15) <{map = #map7}> {from = "column"} : (memref<i32>) -> i32 loc(#loc92)
        %30 = "arith.extsi"(%29) : (i32) -> i33 loc(#loc92)
        %31 = "arith.addi"(%30, %5) <{overflowFlags = #arith.overflow<none>}> : (i33, i33) -> i33 loc(#loc92)
        %32 = "arith.trunci"(%31) <{overflowFlags = #arith.overflow<none>}> : (i33) -> i32 loc(#loc92)
        "affine.store"(%32, %15) <{map = #map7}> {to = "column"} : (i32, memref<i32>) -> () loc(#loc92)
        %33 = "affine.load"(%15) <{map = #map7}> {from = "column"} : (memref<i32>) -> i32 loc(#loc93)
        %34 = "arith.cmpi"(%33, %8) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc93)
        "scf.if"(%34) ({
          "affine.store"(%11, %15) <{map = #map7}> {to = "column"} : (i32, memref<i32>) -> () loc(#loc95)
          "affine.store"(%7, %17) <{map = #map7}> {to = "pending"} : (i32, memref<i32>) -> () loc(#loc96)
          "affine.store"(%6, %18) <{map = #map7}> {to = "waiting"} : (i32, memref<i32>) -> () loc(#loc97)
          "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map12}> ({
          ^bb0(%arg13: index loc("kernels/ternary_matvec.py":137:20)):
            "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map10}> ({
            ^bb0(%arg14: index loc("kernels/ternary_matvec.py":137:20)):
              %35 = "affine.load"(%13, %arg13, %arg14) <{map = #map11}> {from = "group"} : (memref<5x4xi21, #map5>, index, index) -> i21 loc(#loc99)
              "affine.store"(%35, %14, %arg13, %arg14) <{map = #map26}> {to = "leaving"} : (i21, memref<20xi21, #map3>, index, index) -> () loc(#loc100)
              "affine.yield"() : () -> () loc(#loc98)
            }) {loop_name = "t"} : () -> () loc(#loc98)
            "affine.yield"() : () -> () loc(#loc98)
          }) {loop_name = "r", op_name = "S_r_t_1"} : () -> () loc(#loc98)
          "scf.yield"() : () -> () loc(#loc94)
        }, {
        }) : (i1) -> () loc(#loc94)
        "scf.yield"() : () -> () loc(#loc91)
      }, {
      }) : (i1) -> () loc(#loc91)
      "affine.yield"() : () -> () loc(#loc64)
    }) {loop_name = "n", op_name = "S_n_0", pipeline_ii = 1 : ui32} : () -> () loc(#loc64)
    "func.return"() : () -> () loc(#loc101)
  }) {df.kernel, itypes = "ssuuuu", otypes = "", stypes = "__iiii"} : () -> () loc(#loc)
  "func.func"() <{function_type = (memref<3280xi128>, memref<3280xi128>, memref<3280xi128>, memref<3280xi128>, memref<108x4x4x16xi8, #map4>, memref<4096xi32>) -> (), sym_name = "ternary_matvec"}> ({
  ^bb0(%arg0: memref<3280xi128> loc(unknown), %arg1: memref<3280xi128> loc(unknown), %arg2: memref<3280xi128> loc(unknown), %arg3: memref<3280xi128> loc(unknown), %arg4: memref<108x4x4x16xi8, #map4> loc(unknown), %arg5: memref<4096xi32> loc(unknown)):
    %0 = "allo.stream_construct"() {name = "trits_0", unsigned} : () -> !allo.stream<i128, 16> loc(#loc102)
    %1 = "allo.stream_construct"() {name = "trits_1", unsigned} : () -> !allo.stream<i128, 16> loc(#loc102)
    %2 = "allo.stream_construct"() {name = "trits_2", unsigned} : () -> !allo.stream<i128, 16> loc(#loc102)
    %3 = "allo.stream_construct"() {name = "trits_3", unsigned} : () -> !allo.stream<i128, 16> loc(#loc102)
    "func.call"(%arg0, %0) <{callee = @load_0_0}> : (memref<3280xi128>, !allo.stream<i128, 16>) -> () loc(#loc)
    "func.call"(%arg1, %1) <{callee = @load_1_0}> : (memref<3280xi128>, !allo.stream<i128, 16>) -> () loc(#loc)
    "func.call"(%arg2, %2) <{callee = @load_2_0}> : (memref<3280xi128>, !allo.stream<i128, 16>) -> () loc(#loc)
    "func.call"(%arg3, %3) <{callee = @load_3_0}> : (memref<3280xi128>, !allo.stream<i128, 16>) -> () loc(#loc)
    "func.call"(%arg4, %arg5, %0, %1, %2, %3) <{callee = @multiply_0}> {last} : (memref<108x4x4x16xi8, #map4>, memref<4096xi32>, !allo.stream<i128, 16>, !allo.stream<i128, 16>, !allo.stream<i128, 16>, !allo.stream<i128, 16>) -> () loc(#loc)
    "func.return"() : () -> () loc(#loc)
  }) {dataflow, itypes = "uuuuss"} : () -> () loc(#loc)
}) : () -> () loc(#loc)
#loc2 = loc("kernels/ternary_matvec.py":103:24)
#loc3 = loc("kernels/ternary_matvec.py":103:12)
#loc4 = loc("kernels/ternary_matvec.py":101:4)
#loc6 = loc("kernels/ternary_matvec.py":54:4)
#loc7 = loc("kernels/ternary_matvec.py":55:4)
#loc8 = loc("kernels/ternary_matvec.py":56:4)
#loc10 = loc("kernels/ternary_matvec.py":58:25)
#loc11 = loc("kernels/ternary_matvec.py":58:8)
#loc13 = loc("kernels/ternary_matvec.py":60:25)
#loc14 = loc("kernels/ternary_matvec.py":60:12)
#loc15 = loc("kernels/ternary_matvec.py":61:40)
#loc16 = loc("kernels/ternary_matvec.py":61:12)
#loc17 = loc("kernels/ternary_matvec.py":62:19)
#loc18 = loc("kernels/ternary_matvec.py":62:12)
#loc20 = loc("kernels/ternary_matvec.py":64:22)
#loc21 = loc("kernels/ternary_matvec.py":64:8)
#loc23 = loc("kernels/ternary_matvec.py":68:32)
#loc24 = loc("kernels/ternary_matvec.py":68:40)
#loc25 = loc("kernels/ternary_matvec.py":68:16)
#loc26 = loc("kernels/ternary_matvec.py":69:31)
#loc27 = loc("kernels/ternary_matvec.py":69:30)
#loc28 = loc("kernels/ternary_matvec.py":69:16)
#loc29 = loc("kernels/ternary_matvec.py":70:23)
#loc30 = loc("kernels/ternary_matvec.py":70:16)
#loc32 = loc("kernels/ternary_matvec.py":77:22)
#loc33 = loc("kernels/ternary_matvec.py":77:8)
#loc35 = loc("kernels/ternary_matvec.py":79:26)
#loc36 = loc("kernels/ternary_matvec.py":79:12)
#loc37 = loc("kernels/ternary_matvec.py":80:35)
#loc38 = loc("kernels/ternary_matvec.py":80:27)
#loc39 = loc("kernels/ternary_matvec.py":80:12)
#loc40 = loc("kernels/ternary_matvec.py":81:65)
#loc41 = loc("kernels/ternary_matvec.py":81:57)
#loc42 = loc("kernels/ternary_matvec.py":81:56)
#loc43 = loc("kernels/ternary_matvec.py":81:81)
#loc44 = loc("kernels/ternary_matvec.py":81:12)
#loc47 = loc("kernels/ternary_matvec.py":86:16)
#loc48 = loc("kernels/ternary_matvec.py":86:50)
#loc49 = loc("kernels/ternary_matvec.py":85:12)
#loc50 = loc("kernels/ternary_matvec.py":88:27)
#loc51 = loc("kernels/ternary_matvec.py":88:44)
#loc52 = loc("kernels/ternary_matvec.py":88:22)
#loc53 = loc("kernels/ternary_matvec.py":88:8)
#loc54 = loc("kernels/ternary_matvec.py":89:21)
#loc55 = loc("kernels/ternary_matvec.py":89:30)
#loc56 = loc("kernels/ternary_matvec.py":89:8)
#loc57 = loc("kernels/ternary_matvec.py":107:8)
#loc58 = loc("kernels/ternary_matvec.py":108:8)
#loc59 = loc("kernels/ternary_matvec.py":109:8)
#loc60 = loc("kernels/ternary_matvec.py":110:8)
#loc61 = loc("kernels/ternary_matvec.py":111:8)
#loc62 = loc("kernels/ternary_matvec.py":112:8)
#loc63 = loc("kernels/ternary_matvec.py":113:8)
#loc65 = loc("kernels/ternary_matvec.py":115:12)
#loc66 = loc("kernels/ternary_matvec.py":117:19)
#loc67 = loc("kernels/ternary_matvec.py":117:16)
#loc68 = loc("kernels/ternary_matvec.py":118:20)
#loc69 = loc("kernels/ternary_matvec.py":119:20)
#loc70 = loc("kernels/ternary_matvec.py":120:15)
#loc71 = loc("kernels/ternary_matvec.py":120:12)
#loc72 = loc("kernels/ternary_matvec.py":121:19)
#loc73 = loc("kernels/ternary_matvec.py":121:16)
#loc74 = loc("kernels/ternary_matvec.py":122:35)
#loc75 = loc("kernels/ternary_matvec.py":122:20)
#loc76 = loc("kernels/ternary_matvec.py":123:40)
#loc77 = loc("kernels/ternary_matvec.py":123:12)
#loc78 = loc("kernels/ternary_matvec.py":124:15)
#loc79 = loc("kernels/ternary_matvec.py":124:12)
#loc80 = loc("kernels/ternary_matvec.py":125:16)
#loc81 = loc("kernels/ternary_matvec.py":126:19)
#loc82 = loc("kernels/ternary_matvec.py":126:16)
#loc83 = loc("kernels/ternary_matvec.py":127:39)
#loc84 = loc("kernels/ternary_matvec.py":127:20)
#loc85 = loc("kernels/ternary_matvec.py":127:27)
#loc86 = loc("kernels/ternary_matvec.py":128:16)
#loc88 = loc("kernels/ternary_matvec.py":130:33)
#loc89 = loc("kernels/ternary_matvec.py":130:20)
#loc90 = loc("kernels/ternary_matvec.py":131:15)
#loc91 = loc("kernels/ternary_matvec.py":131:12)
#loc92 = loc("kernels/ternary_matvec.py":132:16)
#loc93 = loc("kernels/ternary_matvec.py":133:19)
#loc94 = loc("kernels/ternary_matvec.py":133:16)
#loc95 = loc("kernels/ternary_matvec.py":134:20)
#loc96 = loc("kernels/ternary_matvec.py":135:20)
#loc97 = loc("kernels/ternary_matvec.py":136:20)
#loc99 = loc("kernels/ternary_matvec.py":138:50)
#loc100 = loc("kernels/ternary_matvec.py":138:24)
#loc101 = loc("kernels/ternary_matvec.py":106:4)
#loc102 = loc("kernels/ternary_matvec.py":98:4)
