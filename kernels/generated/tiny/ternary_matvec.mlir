#loc = loc(unknown)
#loc1 = loc("kernels/ternary_matvec.py":102:8)
#loc5 = loc("kernels/ternary_matvec.py":47:0)
#loc9 = loc("kernels/ternary_matvec.py":57:4)
#loc12 = loc("kernels/ternary_matvec.py":59:8)
#loc19 = loc("kernels/ternary_matvec.py":63:4)
#loc22 = loc("kernels/ternary_matvec.py":65:8)
#loc30 = loc("kernels/ternary_matvec.py":76:4)
#loc33 = loc("kernels/ternary_matvec.py":78:8)
#loc44 = loc("kernels/ternary_matvec.py":82:4)
#loc45 = loc("kernels/ternary_matvec.py":84:8)
#loc63 = loc("kernels/ternary_matvec.py":114:8)
#loc86 = loc("kernels/ternary_matvec.py":129:16)
#loc97 = loc("kernels/ternary_matvec.py":137:20)
#map = affine_map<(d0) -> (d0)>
#map1 = affine_map<() -> (0)>
#map2 = affine_map<() -> (288)>
#map3 = affine_map<(d0) -> (d0, 0)>
#map4 = affine_map<(d0, d1, d2, d3) -> (0, d1, d2, d3, d0, 0, 0, 0)>
#map5 = affine_map<(d0, d1) -> (d0, d1, 0, 0)>
#map6 = affine_map<(d0, d1, d2) -> (d0, d1, d2, 0, 0, 0)>
#map7 = affine_map<() -> ()>
#map8 = affine_map<(d0, d1) -> (d0 * 16 + d1)>
#map9 = affine_map<() -> (16)>
#map10 = affine_map<() -> (2)>
#map11 = affine_map<(d0, d1) -> (d0, d1)>
#map12 = affine_map<() -> (4)>
#map13 = affine_map<() -> (32)>
#map14 = affine_map<(d0, d1, d2) -> (d0, d1 * 4 + d2)>
#map15 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 * 4 + d3 + 32)>
#map16 = affine_map<() -> (8)>
#map17 = affine_map<() -> (3)>
#map18 = affine_map<(d0, d1, d2) -> (d0, d1, d2 * -2 + 62)>
#map19 = affine_map<(d0, d1, d2) -> (d0, d1, d2 * -2 + 63)>
#map20 = affine_map<(d0, d1, d2) -> (d0, d1, -d2 + 31)>
#map21 = affine_map<() -> (31)>
#map22 = affine_map<(d0, d1) -> (d0, d1, 1)>
#map23 = affine_map<() -> (1)>
#map24 = affine_map<(d0) -> (d0 + 1)>
#map25 = affine_map<() -> (11)>
#map26 = affine_map<(d0, d1) -> (d0 * 3 + d1)>
#map27 = affine_map<() -> (588)>
"builtin.module"() ({
  "func.func"() <{function_type = (memref<288xi128>, !allo.stream<i128, 16>) -> (), sym_name = "load_0_0"}> ({
  ^bb0(%arg30: memref<288xi128> loc(unknown), %arg31: !allo.stream<i128, 16> loc(unknown)):
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map2}> ({
    ^bb0(%arg32: index loc("kernels/ternary_matvec.py":102:8)):
      %135 = "affine.load"(%arg30, %arg32) <{map = #map}> {from = "memory", unsigned} : (memref<288xi128>, index) -> i128 loc(#loc2)
      "allo.stream_put"(%arg31, %135) <{indices = array<i64>}> {unsigned} : (!allo.stream<i128, 16>, i128) -> () loc(#loc3)
      "affine.yield"() : () -> () loc(#loc1)
    }) {loop_name = "n", op_name = "S_n_0", pipeline_ii = 1 : ui32} : () -> () loc(#loc1)
    "func.return"() : () -> () loc(#loc4)
  }) {df.kernel, itypes = "uu", otypes = "", stypes = "_o"} : () -> () loc(#loc)
  "func.func"() <{function_type = (memref<288xi128>, !allo.stream<i128, 16>) -> (), sym_name = "load_1_0"}> ({
  ^bb0(%arg27: memref<288xi128> loc(unknown), %arg28: !allo.stream<i128, 16> loc(unknown)):
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map2}> ({
    ^bb0(%arg29: index loc("kernels/ternary_matvec.py":102:8)):
      %134 = "affine.load"(%arg27, %arg29) <{map = #map}> {from = "memory", unsigned} : (memref<288xi128>, index) -> i128 loc(#loc2)
      "allo.stream_put"(%arg28, %134) <{indices = array<i64>}> {unsigned} : (!allo.stream<i128, 16>, i128) -> () loc(#loc3)
      "affine.yield"() : () -> () loc(#loc1)
    }) {loop_name = "n", op_name = "S_n_0", pipeline_ii = 1 : ui32} : () -> () loc(#loc1)
    "func.return"() : () -> () loc(#loc4)
  }) {df.kernel, itypes = "uu", otypes = "", stypes = "_o"} : () -> () loc(#loc)
  "func.func"() <{function_type = (memref<2xi128, #map3>, memref<8x3x8x4xi8, #map4>, i32, memref<4x3xi16, #map5>) -> (), sym_name = "multiply_word"}> ({
  ^bb0(%arg12: memref<2xi128, #map3> loc("kernels/ternary_matvec.py":47:0), %arg13: memref<8x3x8x4xi8, #map4> loc("kernels/ternary_matvec.py":47:0), %arg14: i32 loc("kernels/ternary_matvec.py":47:0), %arg15: memref<4x3xi16, #map5> loc("kernels/ternary_matvec.py":47:0)):
    %56 = "arith.constant"() <{value = -1 : i32}> {name = "%c-1_i32"} : () -> i32 loc(#loc)
    %57 = "arith.constant"() <{value = 2 : i16}> {name = "%c2_i16"} : () -> i16 loc(#loc)
    %58 = "arith.constant"() <{value = 2 : i33}> {name = "%c2_i33"} : () -> i33 loc(#loc)
    %59 = "arith.constant"() <{value = 8 : i128}> {name = "%c8_i128"} : () -> i128 loc(#loc)
    %60 = "arith.constant"() <{value = 0 : i16}> {name = "%c0_i16"} : () -> i16 loc(#loc)
    %61 = "arith.constant"() <{value = 0 : i32}> {name = "%c0_i32"} : () -> i32 loc(#loc)
    %62 = "arith.constant"() <{value = 1 : i32}> {name = "%c1_i32"} : () -> i32 loc(#loc)
    %63 = "arith.constant"() <{value = 2 : i32}> {name = "%c2_i32"} : () -> i32 loc(#loc)
    %64 = "arith.constant"() <{value = 3 : i32}> {name = "%c3_i32"} : () -> i32 loc(#loc)
    %65 = "arith.constant"() <{value = 255 : i32}> {name = "%c255_i32"} : () -> i32 loc(#loc)
    %66 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "lanes"} : () -> memref<32xi16, #map3> loc(#loc6)
    %67 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "trits"} : () -> memref<4x32xi16, #map5> loc(#loc7)
    %68 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "tree"} : () -> memref<4x3x64xi16, #map6> loc(#loc8)
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map10}> ({
    ^bb0(%arg25: index loc("kernels/ternary_matvec.py":57:4)):
      %123 = "affine.load"(%arg12, %arg25) <{map = #map}> {from = "word", unsigned} : (memref<2xi128, #map3>, index) -> i128 loc(#loc10)
      %124 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "rest", unsigned} : () -> memref<i128> loc(#loc11)
      "affine.store"(%123, %124) <{map = #map7}> {to = "rest"} : (i128, memref<i128>) -> () loc(#loc11)
      "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map9}> ({
      ^bb0(%arg26: index loc("kernels/ternary_matvec.py":59:8)):
        %125 = "affine.load"(%124) <{map = #map7}> {from = "rest"} : (memref<i128>) -> i128 loc(#loc13)
        %126 = "arith.trunci"(%125) <{overflowFlags = #arith.overflow<none>}> : (i128) -> i16 loc(#loc14)
        %127 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "low"} : () -> memref<i16> loc(#loc14)
        "affine.store"(%126, %127) <{map = #map7}> {to = "low"} : (i16, memref<i16>) -> () loc(#loc14)
        %128 = "affine.load"(%127) <{map = #map7}> {from = "low"} : (memref<i16>) -> i16 loc(#loc15)
        %129 = "arith.extsi"(%128) : (i16) -> i32 loc(#loc15)
        %130 = "arith.andi"(%129, %65) : (i32, i32) -> i32 loc(#loc15)
        %131 = "arith.trunci"(%130) <{overflowFlags = #arith.overflow<none>}> : (i32) -> i16 loc(#loc16)
        "affine.store"(%131, %66, %arg25, %arg26) <{map = #map8}> {to = "lanes"} : (i16, memref<32xi16, #map3>, index, index) -> () loc(#loc16)
        %132 = "affine.load"(%124) <{map = #map7}> {from = "rest"} : (memref<i128>) -> i128 loc(#loc17)
        %133 = "arith.shrui"(%132, %59) {unsigned} : (i128, i128) -> i128 loc(#loc17)
        "affine.store"(%133, %124) <{map = #map7}> {to = "rest"} : (i128, memref<i128>) -> () loc(#loc18)
        "affine.yield"() : () -> () loc(#loc12)
      }) {loop_name = "j", op_name = "S_j_0"} : () -> () loc(#loc12)
      "affine.yield"() : () -> () loc(#loc9)
    }) {loop_name = "p", op_name = "S_p_0"} : () -> () loc(#loc9)
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map13}> ({
    ^bb0(%arg23: index loc("kernels/ternary_matvec.py":63:4)):
      %108 = "affine.load"(%66, %arg23) <{map = #map}> {from = "lanes"} : (memref<32xi16, #map3>, index) -> i16 loc(#loc20)
      %109 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "byte"} : () -> memref<i16> loc(#loc21)
      "affine.store"(%108, %109) <{map = #map7}> {to = "byte"} : (i16, memref<i16>) -> () loc(#loc21)
      "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map12}> ({
      ^bb0(%arg24: index loc("kernels/ternary_matvec.py":65:8)):
        %110 = "affine.load"(%109) <{map = #map7}> {from = "byte"} : (memref<i16>) -> i16 loc(#loc23)
        %111 = "arith.extsi"(%110) : (i16) -> i32 loc(#loc23)
        %112 = "arith.andi"(%111, %64) : (i32, i32) -> i32 loc(#loc23)
        %113 = "arith.trunci"(%112) <{overflowFlags = #arith.overflow<none>}> : (i32) -> i16 loc(#loc24)
        %114 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "pair"} : () -> memref<i16> loc(#loc24)
        "affine.store"(%113, %114) <{map = #map7}> {to = "pair"} : (i16, memref<i16>) -> () loc(#loc24)
        %115 = "affine.load"(%114) <{map = #map7}> {from = "pair"} : (memref<i16>) -> i16 loc(#loc25)
        %116 = "arith.extsi"(%115) : (i16) -> i32 loc(#loc25)
        %117 = "arith.xori"(%116, %63) : (i32, i32) -> i32 loc(#loc25)
        %118 = "arith.extsi"(%117) : (i32) -> i33 loc(#loc26)
        %119 = "arith.subi"(%118, %58) <{overflowFlags = #arith.overflow<none>}> : (i33, i33) -> i33 loc(#loc26)
        %120 = "arith.trunci"(%119) <{overflowFlags = #arith.overflow<none>}> : (i33) -> i16 loc(#loc27)
        "affine.store"(%120, %67, %arg24, %arg23) <{map = #map11}> {to = "trits"} : (i16, memref<4x32xi16, #map5>, index, index) -> () loc(#loc27)
        %121 = "affine.load"(%109) <{map = #map7}> {from = "byte"} : (memref<i16>) -> i16 loc(#loc28)
        %122 = "arith.shrsi"(%121, %57) : (i16, i16) -> i16 loc(#loc28)
        "affine.store"(%122, %109) <{map = #map7}> {to = "byte"} : (i16, memref<i16>) -> () loc(#loc29)
        "affine.yield"() : () -> () loc(#loc22)
      }) {loop_name = "r", op_name = "S_r_2"} : () -> () loc(#loc22)
      "affine.yield"() : () -> () loc(#loc19)
    }) {loop_name = "m", op_name = "S_m_2"} : () -> () loc(#loc19)
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map17}> ({
    ^bb0(%arg19: index loc("kernels/ternary_matvec.py":76:4)):
      "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map16}> ({
      ^bb0(%arg20: index loc("kernels/ternary_matvec.py":76:4)):
        "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map12}> ({
        ^bb0(%arg21: index loc("kernels/ternary_matvec.py":76:4)):
          %87 = "arith.index_cast"(%arg14) : (i32) -> index loc(#loc31)
          %88 = "memref.load"(%arg13, %87, %arg19, %arg20, %arg21) {from = "codes"} : (memref<8x3x8x4xi8, #map4>, index, index, index, index) -> i8 loc(#loc31)
          %89 = "arith.extsi"(%88) : (i8) -> i16 loc(#loc32)
          %90 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "code"} : () -> memref<i16> loc(#loc32)
          "affine.store"(%89, %90) <{map = #map7}> {to = "code"} : (i16, memref<i16>) -> () loc(#loc32)
          "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map12}> ({
          ^bb0(%arg22: index loc("kernels/ternary_matvec.py":78:8)):
            %91 = "affine.load"(%67, %arg22, %arg20, %arg21) <{map = #map14}> {from = "trits"} : (memref<4x32xi16, #map5>, index, index, index) -> i16 loc(#loc34)
            %92 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "trit"} : () -> memref<i16> loc(#loc35)
            "affine.store"(%91, %92) <{map = #map7}> {to = "trit"} : (i16, memref<i16>) -> () loc(#loc35)
            %93 = "affine.load"(%92) <{map = #map7}> {from = "trit"} : (memref<i16>) -> i16 loc(#loc36)
            %94 = "arith.extsi"(%93) : (i16) -> i32 loc(#loc36)
            %95 = "arith.cmpi"(%94, %62) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc36)
            %96 = "affine.load"(%90) <{map = #map7}> {from = "code"} : (memref<i16>) -> i16 loc(#loc37)
            %97 = "arith.extsi"(%96) : (i16) -> i32 loc(#loc37)
            %98 = "arith.select"(%95, %97, %61) : (i1, i32, i32) -> i32 loc(#loc37)
            %99 = "arith.trunci"(%98) <{overflowFlags = #arith.overflow<none>}> : (i32) -> i16 loc(#loc38)
            %100 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "added"} : () -> memref<i16> loc(#loc38)
            "affine.store"(%99, %100) <{map = #map7}> {to = "added"} : (i16, memref<i16>) -> () loc(#loc38)
            %101 = "affine.load"(%92) <{map = #map7}> {from = "trit"} : (memref<i16>) -> i16 loc(#loc39)
            %102 = "arith.extsi"(%101) : (i16) -> i32 loc(#loc39)
            %103 = "arith.cmpi"(%102, %56) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc39)
            %104 = "affine.load"(%90) <{map = #map7}> {from = "code"} : (memref<i16>) -> i16 loc(#loc40)
            %105 = "arith.subi"(%60, %104) <{overflowFlags = #arith.overflow<none>}> : (i16, i16) -> i16 loc(#loc41)
            %106 = "affine.load"(%100) <{map = #map7}> {from = "added"} : (memref<i16>) -> i16 loc(#loc42)
            %107 = "arith.select"(%103, %105, %106) : (i1, i16, i16) -> i16 loc(#loc41)
            "affine.store"(%107, %68, %arg22, %arg19, %arg20, %arg21) <{map = #map15}> {to = "tree"} : (i16, memref<4x3x64xi16, #map6>, index, index, index, index) -> () loc(#loc43)
            "affine.yield"() : () -> () loc(#loc33)
          }) {loop_name = "r", op_name = "S_r_4"} : () -> () loc(#loc33)
          "affine.yield"() : () -> () loc(#loc30)
        }) {loop_name = "e"} : () -> () loc(#loc30)
        "affine.yield"() : () -> () loc(#loc30)
      }) {loop_name = "k"} : () -> () loc(#loc30)
      "affine.yield"() : () -> () loc(#loc30)
    }) {loop_name = "t", op_name = "S_t_k_e_4"} : () -> () loc(#loc30)
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map12}> ({
    ^bb0(%arg16: index loc("kernels/ternary_matvec.py":82:4)):
      "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map17}> ({
      ^bb0(%arg17: index loc("kernels/ternary_matvec.py":82:4)):
        "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map21}> ({
        ^bb0(%arg18: index loc("kernels/ternary_matvec.py":84:8)):
          %81 = "affine.load"(%68, %arg16, %arg17, %arg18) <{map = #map18}> : (memref<4x3x64xi16, #map6>, index, index, index) -> i16 loc(#loc46)
          %82 = "affine.load"(%68, %arg16, %arg17, %arg18) <{map = #map19}> : (memref<4x3x64xi16, #map6>, index, index, index) -> i16 loc(#loc47)
          %83 = "arith.extsi"(%81) : (i16) -> i17 loc(#loc46)
          %84 = "arith.extsi"(%82) : (i16) -> i17 loc(#loc46)
          %85 = "arith.addi"(%83, %84) <{overflowFlags = #arith.overflow<none>}> : (i17, i17) -> i17 loc(#loc46)
          %86 = "arith.trunci"(%85) <{overflowFlags = #arith.overflow<none>}> : (i17) -> i16 loc(#loc48)
          "affine.store"(%86, %68, %arg16, %arg17, %arg18) <{map = #map20}> {to = "tree"} : (i16, memref<4x3x64xi16, #map6>, index, index, index) -> () loc(#loc48)
          "affine.yield"() : () -> () loc(#loc45)
        }) {loop_name = "n", op_name = "S_n_6"} : () -> () loc(#loc45)
        %69 = "arith.cmpi"(%arg14, %61) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc49)
        %70 = "affine.load"(%arg15, %arg16, %arg17) <{map = #map11}> {from = "sums"} : (memref<4x3xi16, #map5>, index, index) -> i16 loc(#loc50)
        %71 = "arith.extsi"(%70) : (i16) -> i32 loc(#loc51)
        %72 = "arith.select"(%69, %61, %71) : (i1, i32, i32) -> i32 loc(#loc51)
        %73 = "arith.trunci"(%72) <{overflowFlags = #arith.overflow<none>}> : (i32) -> i16 loc(#loc52)
        %74 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "before"} : () -> memref<i16> loc(#loc52)
        "affine.store"(%73, %74) <{map = #map7}> {to = "before"} : (i16, memref<i16>) -> () loc(#loc52)
        %75 = "affine.load"(%74) <{map = #map7}> {from = "before"} : (memref<i16>) -> i16 loc(#loc53)
        %76 = "affine.load"(%68, %arg16, %arg17) <{map = #map22}> {from = "tree"} : (memref<4x3x64xi16, #map6>, index, index) -> i16 loc(#loc54)
        %77 = "arith.extsi"(%75) : (i16) -> i17 loc(#loc53)
        %78 = "arith.extsi"(%76) : (i16) -> i17 loc(#loc53)
        %79 = "arith.addi"(%77, %78) <{overflowFlags = #arith.overflow<none>}> : (i17, i17) -> i17 loc(#loc53)
        %80 = "arith.trunci"(%79) <{overflowFlags = #arith.overflow<none>}> : (i17) -> i16 loc(#loc55)
        "affine.store"(%80, %arg15, %arg16, %arg17) <{map = #map11}> {to = "sums"} : (i16, memref<4x3xi16, #map5>, index, index) -> () loc(#loc55)
        "affine.yield"() : () -> () loc(#loc44)
      }) {loop_name = "t"} : () -> () loc(#loc44)
      "affine.yield"() : () -> () loc(#loc44)
    }) {loop_name = "r", op_name = "S_r_t_6"} : () -> () loc(#loc44)
    "func.return"() : () -> () loc(#loc5)
  }) {itypes = "usss", otypes = ""} : () -> () loc(#loc5)
  "func.func"() <{function_type = (memref<8x3x8x4xi8, #map4>, memref<576xi32>, !allo.stream<i128, 16>, !allo.stream<i128, 16>) -> (), sym_name = "multiply_0"}> ({
  ^bb0(%arg4: memref<8x3x8x4xi8, #map4> loc(unknown), %arg5: memref<576xi32> loc(unknown), %arg6: !allo.stream<i128, 16> loc(unknown), %arg7: !allo.stream<i128, 16> loc(unknown)):
    %2 = "arith.constant"() <{value = 576 : i33}> {name = "%c576_i33"} : () -> i33 loc(#loc)
    %3 = "arith.constant"() <{value = 1 : i33}> {name = "%c1_i33"} : () -> i33 loc(#loc)
    %4 = "arith.constant"() <{value = 12 : i32}> {name = "%c12_i32"} : () -> i32 loc(#loc)
    %5 = "arith.constant"() <{value = 6 : i32}> {name = "%c6_i32"} : () -> i32 loc(#loc)
    %6 = "arith.constant"() <{value = 576 : i32}> {name = "%c576_i32"} : () -> i32 loc(#loc)
    %7 = "arith.constant"() <{value = 1 : i32}> {name = "%c1_i32"} : () -> i32 loc(#loc)
    %8 = "arith.constant"() <{value = 0 : i32}> {name = "%c0_i32"} : () -> i32 loc(#loc)
    %9 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "word", unsigned} : () -> memref<2xi128, #map3> loc(#loc56)
    %10 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "group"} : () -> memref<4x3xi16, #map5> loc(#loc57)
    %11 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "leaving"} : () -> memref<12xi16, #map3> loc(#loc58)
    %12 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "column"} : () -> memref<i32> loc(#loc59)
    "affine.store"(%8, %12) <{map = #map7}> {to = "column"} : (i32, memref<i32>) -> () loc(#loc59)
    %13 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "position"} : () -> memref<i32> loc(#loc60)
    "affine.store"(%8, %13) <{map = #map7}> {to = "position"} : (i32, memref<i32>) -> () loc(#loc60)
    %14 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "pending"} : () -> memref<i32> loc(#loc61)
    "affine.store"(%8, %14) <{map = #map7}> {to = "pending"} : (i32, memref<i32>) -> () loc(#loc61)
    %15 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "waiting"} : () -> memref<i32> loc(#loc62)
    "affine.store"(%8, %15) <{map = #map7}> {to = "waiting"} : (i32, memref<i32>) -> () loc(#loc62)
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map27}> ({
    ^bb0(%arg8: index loc("kernels/ternary_matvec.py":114:8)):
      %16 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "taking"} : () -> memref<i32> loc(#loc64)
      "affine.store"(%7, %16) <{map = #map7}> {to = "taking"} : (i32, memref<i32>) -> () loc(#loc64)
      %17 = "affine.load"(%15) <{map = #map7}> {from = "waiting"} : (memref<i32>) -> i32 loc(#loc65)
      %18 = "arith.cmpi"(%17, %8) <{predicate = 4 : i64}> : (i32, i32) -> i1 loc(#loc65)
      "scf.if"(%18) ({
        %52 = "affine.load"(%15) <{map = #map7}> {from = "waiting"} : (memref<i32>) -> i32 loc(#loc67)
        %53 = "arith.extsi"(%52) : (i32) -> i33 loc(#loc67)
        %54 = "arith.subi"(%53, %3) <{overflowFlags = #arith.overflow<none>}> : (i33, i33) -> i33 loc(#loc67)
        %55 = "arith.trunci"(%54) <{overflowFlags = #arith.overflow<none>}> : (i33) -> i32 loc(#loc67)
        "affine.store"(%55, %15) <{map = #map7}> {to = "waiting"} : (i32, memref<i32>) -> () loc(#loc67)
        "affine.store"(%8, %16) <{map = #map7}> {to = "taking"} : (i32, memref<i32>) -> () loc(#loc68)
        "scf.yield"() : () -> () loc(#loc66)
      }, {
      }) : (i1) -> () loc(#loc66)
      %19 = "arith.index_cast"(%arg8) : (index) -> i33 loc(#loc69)
      %20 = "arith.cmpi"(%19, %2) <{predicate = 2 : i64}> : (i33, i33) -> i1 loc(#loc69)
      "scf.if"(%20) ({
        %48 = "affine.load"(%16) <{map = #map7}> {from = "taking"} : (memref<i32>) -> i32 loc(#loc71)
        %49 = "arith.cmpi"(%48, %7) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc71)
        "scf.if"(%49) ({
          %50 = "allo.stream_get"(%arg6) <{indices = array<i64>}> {unsigned} : (!allo.stream<i128, 16>) -> i128 loc(#loc73)
          "affine.store"(%50, %9) <{map = #map1}> {to = "word"} : (i128, memref<2xi128, #map3>) -> () loc(#loc74)
          %51 = "allo.stream_get"(%arg7) <{indices = array<i64>}> {unsigned} : (!allo.stream<i128, 16>) -> i128 loc(#loc73)
          "affine.store"(%51, %9) <{map = #map23}> {to = "word"} : (i128, memref<2xi128, #map3>) -> () loc(#loc74)
          "scf.yield"() : () -> () loc(#loc72)
        }, {
        }) : (i1) -> () loc(#loc72)
        "scf.yield"() : () -> () loc(#loc70)
      }, {
      }) : (i1) -> () loc(#loc70)
      %21 = "affine.load"(%12) <{map = #map7}> {from = "column"} : (memref<i32>) -> i32 loc(#loc75)
      "func.call"(%9, %arg4, %21, %10) <{callee = @multiply_word}> : (memref<2xi128, #map3>, memref<8x3x8x4xi8, #map4>, i32, memref<4x3xi16, #map5>) -> () loc(#loc76)
      %22 = "affine.load"(%14) <{map = #map7}> {from = "pending"} : (memref<i32>) -> i32 loc(#loc77)
      %23 = "arith.cmpi"(%22, %8) <{predicate = 4 : i64}> : (i32, i32) -> i1 loc(#loc77)
      "scf.if"(%23) ({
        %33 = "affine.load"(%14) <{map = #map7}> {from = "pending"} : (memref<i32>) -> i32 loc(#loc79)
        %34 = "arith.extsi"(%33) : (i32) -> i33 loc(#loc79)
        %35 = "arith.subi"(%34, %3) <{overflowFlags = #arith.overflow<none>}> : (i33, i33) -> i33 loc(#loc79)
        %36 = "arith.trunci"(%35) <{overflowFlags = #arith.overflow<none>}> : (i33) -> i32 loc(#loc79)
        "affine.store"(%36, %14) <{map = #map7}> {to = "pending"} : (i32, memref<i32>) -> () loc(#loc79)
        %37 = "affine.load"(%13) <{map = #map7}> {from = "position"} : (memref<i32>) -> i32 loc(#loc80)
        %38 = "arith.cmpi"(%37, %6) <{predicate = 2 : i64}> : (i32, i32) -> i1 loc(#loc80)
        "scf.if"(%38) ({
          %44 = "affine.load"(%11) <{map = #map1}> {from = "leaving"} : (memref<12xi16, #map3>) -> i16 loc(#loc82)
          %45 = "arith.extsi"(%44) : (i16) -> i32 loc(#loc83)
          %46 = "affine.load"(%13) <{map = #map7}> {from = "position"} : (memref<i32>) -> i32 loc(#loc84)
          %47 = "arith.index_cast"(%46) : (i32) -> index loc(#loc83)
          "memref.store"(%45, %arg5, %47) {to = "result"} : (i32, memref<576xi32>, index) -> () loc(#loc83)
          "scf.yield"() : () -> () loc(#loc81)
        }, {
        }) : (i1) -> () loc(#loc81)
        %39 = "affine.load"(%13) <{map = #map7}> {from = "position"} : (memref<i32>) -> i32 loc(#loc85)
        %40 = "arith.extsi"(%39) : (i32) -> i33 loc(#loc85)
        %41 = "arith.addi"(%40, %3) <{overflowFlags = #arith.overflow<none>}> : (i33, i33) -> i33 loc(#loc85)
        %42 = "arith.trunci"(%41) <{overflowFlags = #arith.overflow<none>}> : (i33) -> i32 loc(#loc85)
        "affine.store"(%42, %13) <{map = #map7}> {to = "position"} : (i32, memref<i32>) -> () loc(#loc85)
        "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map25}> ({
        ^bb0(%arg11: index loc("kernels/ternary_matvec.py":129:16)):
          %43 = "affine.load"(%11, %arg11) <{map = #map24}> {from = "leaving"} : (memref<12xi16, #map3>, index) -> i16 loc(#loc87)
          "affine.store"(%43, %11, %arg11) <{map = #map}> {to = "leaving"} : (i16, memref<12xi16, #map3>, index) -> () loc(#loc88)
          "affine.yield"() : () -> () loc(#loc86)
        }) {loop_name = "r", op_name = "S_r_0"} : () -> () loc(#loc86)
        "scf.yield"() : () -> () loc(#loc78)
      }, {
      }) : (i1) -> () loc(#loc78)
      %24 = "affine.load"(%16) <{map = #map7}> {from = "taking"} : (memref<i32>) -> i32 loc(#loc89)
      %25 = "arith.cmpi"(%24, %7) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc89)
      "scf.if"(%25) ({
        %26 = "affine.load"(%12) <{map = #map7}> {from = "column"} : (memref<i32>) -> i32 loc(#loc91)
        %27 = "arith.extsi"(%26) : (i32) -> i33 loc(#loc91)
        %28 = "arith.addi"(%27, %3) <{overflowFlags = #arith.overflow<none>}> : (i33, i33) -> i33 loc(#loc91)
        %29 = "arith.trunci"(%28) <{overflowFlags = #arith.overflow<none>}> : (i33) -> i32 loc(#loc91)
        "affine.store"(%29, %12) <{map = #map7}> {to = "column"} : (i32, memref<i32>) -> () loc(#loc91)
        %30 = "affine.load"(%12) <{map = #map7}> {from = "column"} : (memref<i32>) -> i32 loc(#loc92)
        %31 = "arith.cmpi"(%30, %5) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc92)
        "scf.if"(%31) ({
          "affine.store"(%8, %12) <{map = #map7}> {to = "column"} : (i32, memref<i32>) -> () loc(#loc94)
          "affine.store"(%4, %14) <{map = #map7}> {to = "pending"} : (i32, memref<i32>) -> () loc(#loc95)
          "affine.store"(%5, %15) <{map = #map7}> {to = "waiting"} : (i32, memref<i32>) -> () loc(#loc96)
          "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map12}> ({
          ^bb0(%arg9: index loc("kernels/ternary_matvec.py":137:20)):
            "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map17}> ({
            ^bb0(%arg10: index loc("kernels/ternary_matvec.py":137:20)):
              %32 = "affine.load"(%10, %arg9, %arg10) <{map = #map11}> {from = "group"} : (memref<4x3xi16, #map5>, index, index) -> i16 loc(#loc98)
              "affine.store"(%32, %11, %arg9, %arg10) <{map = #map26}> {to = "leaving"} : (i16, memref<12xi16, #map3>, index, index) -> () loc(#loc99)
              "affine.yield"() : () -> () loc(#loc97)
            }) {loop_name = "t"} : () -> () loc(#loc97)
            "affine.yield"() : () -> () loc(#loc97)
          }) {loop_name = "r", op_name = "S_r_t_1"} : () -> () loc(#loc97)
          "scf.yield"() : () -> () loc(#loc93)
        }, {
        }) : (i1) -> () loc(#loc93)
        "scf.yield"() : () -> () loc(#loc90)
      }, {
      }) : (i1) -> () loc(#loc90)
      "affine.yield"() : () -> () loc(#loc63)
    }) {loop_name = "n", op_name = "S_n_0", pipeline_ii = 1 : ui32} : () -> () loc(#loc63)
    "func.return"() : () -> () loc(#loc100)
  }) {df.kernel, itypes = "ssuu", otypes = "", stypes = "__ii"} : () -> () loc(#loc)
  "func.func"() <{function_type = (memref<288xi128>, memref<288xi128>, memref<8x3x8x4xi8, #map4>, memref<576xi32>) -> (), sym_name = "ternary_matvec"}> ({
  ^bb0(%arg0: memref<288xi128> loc(unknown), %arg1: memref<288xi128> loc(unknown), %arg2: memref<8x3x8x4xi8, #map4> loc(unknown), %arg3: memref<576xi32> loc(unknown)):
    %0 = "allo.stream_construct"() {name = "trits_0", unsigned} : () -> !allo.stream<i128, 16> loc(#loc101)
    %1 = "allo.stream_construct"() {name = "trits_1", unsigned} : () -> !allo.stream<i128, 16> loc(#loc101)
    "func.call"(%arg0, %0) <{callee = @load_0_0}> : (memref<288xi128>, !allo.stream<i128, 16>) -> () loc(#loc)
    "func.call"(%arg1, %1) <{callee = @load_1_0}> : (memref<288xi128>, !allo.stream<i128, 16>) -> () loc(#loc)
    "func.call"(%arg2, %arg3, %0, %1) <{callee = @multiply_0}> {last} : (memref<8x3x8x4xi8, #map4>, memref<576xi32>, !allo.stream<i128, 16>, !allo.stream<i128, 16>) -> () loc(#loc)
    "func.return"() : () -> () loc(#loc)
  }) {dataflow, itypes = "uuss"} : () -> () loc(#loc)
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
#loc23 = loc("kernels/ternary_matvec.py":73:30)
#loc24 = loc("kernels/ternary_matvec.py":73:16)
#loc25 = loc("kernels/ternary_matvec.py":74:31)
#loc26 = loc("kernels/ternary_matvec.py":74:30)
#loc27 = loc("kernels/ternary_matvec.py":74:16)
#loc28 = loc("kernels/ternary_matvec.py":75:23)
#loc29 = loc("kernels/ternary_matvec.py":75:16)
#loc31 = loc("kernels/ternary_matvec.py":77:22)
#loc32 = loc("kernels/ternary_matvec.py":77:8)
#loc34 = loc("kernels/ternary_matvec.py":79:26)
#loc35 = loc("kernels/ternary_matvec.py":79:12)
#loc36 = loc("kernels/ternary_matvec.py":80:35)
#loc37 = loc("kernels/ternary_matvec.py":80:27)
#loc38 = loc("kernels/ternary_matvec.py":80:12)
#loc39 = loc("kernels/ternary_matvec.py":81:65)
#loc40 = loc("kernels/ternary_matvec.py":81:57)
#loc41 = loc("kernels/ternary_matvec.py":81:56)
#loc42 = loc("kernels/ternary_matvec.py":81:81)
#loc43 = loc("kernels/ternary_matvec.py":81:12)
#loc46 = loc("kernels/ternary_matvec.py":86:16)
#loc47 = loc("kernels/ternary_matvec.py":86:50)
#loc48 = loc("kernels/ternary_matvec.py":85:12)
#loc49 = loc("kernels/ternary_matvec.py":88:27)
#loc50 = loc("kernels/ternary_matvec.py":88:44)
#loc51 = loc("kernels/ternary_matvec.py":88:22)
#loc52 = loc("kernels/ternary_matvec.py":88:8)
#loc53 = loc("kernels/ternary_matvec.py":89:21)
#loc54 = loc("kernels/ternary_matvec.py":89:30)
#loc55 = loc("kernels/ternary_matvec.py":89:8)
#loc56 = loc("kernels/ternary_matvec.py":107:8)
#loc57 = loc("kernels/ternary_matvec.py":108:8)
#loc58 = loc("kernels/ternary_matvec.py":109:8)
#loc59 = loc("kernels/ternary_matvec.py":110:8)
#loc60 = loc("kernels/ternary_matvec.py":111:8)
#loc61 = loc("kernels/ternary_matvec.py":112:8)
#loc62 = loc("kernels/ternary_matvec.py":113:8)
#loc64 = loc("kernels/ternary_matvec.py":115:12)
#loc65 = loc("kernels/ternary_matvec.py":117:19)
#loc66 = loc("kernels/ternary_matvec.py":117:16)
#loc67 = loc("kernels/ternary_matvec.py":118:20)
#loc68 = loc("kernels/ternary_matvec.py":119:20)
#loc69 = loc("kernels/ternary_matvec.py":120:15)
#loc70 = loc("kernels/ternary_matvec.py":120:12)
#loc71 = loc("kernels/ternary_matvec.py":121:19)
#loc72 = loc("kernels/ternary_matvec.py":121:16)
#loc73 = loc("kernels/ternary_matvec.py":122:35)
#loc74 = loc("kernels/ternary_matvec.py":122:20)
#loc75 = loc("kernels/ternary_matvec.py":123:40)
#loc76 = loc("kernels/ternary_matvec.py":123:12)
#loc77 = loc("kernels/ternary_matvec.py":124:15)
#loc78 = loc("kernels/ternary_matvec.py":124:12)
#loc79 = loc("kernels/ternary_matvec.py":125:16)
#loc80 = loc("kernels/ternary_matvec.py":126:19)
#loc81 = loc("kernels/ternary_matvec.py":126:16)
#loc82 = loc("kernels/ternary_matvec.py":127:39)
#loc83 = loc("kernels/ternary_matvec.py":127:20)
#loc84 = loc("kernels/ternary_matvec.py":127:27)
#loc85 = loc("kernels/ternary_matvec.py":128:16)
#loc87 = loc("kernels/ternary_matvec.py":130:33)
#loc88 = loc("kernels/ternary_matvec.py":130:20)
#loc89 = loc("kernels/ternary_matvec.py":131:15)
#loc90 = loc("kernels/ternary_matvec.py":131:12)
#loc91 = loc("kernels/ternary_matvec.py":132:16)
#loc92 = loc("kernels/ternary_matvec.py":133:19)
#loc93 = loc("kernels/ternary_matvec.py":133:16)
#loc94 = loc("kernels/ternary_matvec.py":134:20)
#loc95 = loc("kernels/ternary_matvec.py":135:20)
#loc96 = loc("kernels/ternary_matvec.py":136:20)
#loc98 = loc("kernels/ternary_matvec.py":138:50)
#loc99 = loc("kernels/ternary_matvec.py":138:24)
#loc100 = loc("kernels/ternary_matvec.py":106:4)
#loc101 = loc("kernels/ternary_matvec.py":98:4)
