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
#loc83 = loc("kernels/ternary_matvec.py":129:16)
#loc94 = loc("kernels/ternary_matvec.py":137:20)
#map = affine_map<(d0) -> (d0)>
#map1 = affine_map<() -> (0)>
#map2 = affine_map<() -> (416)>
#map3 = affine_map<(d0) -> (d0, 0)>
#map4 = affine_map<(d0, d1, d2, d3) -> (0, d1, d2, d3, d0, 0, 0, 0)>
#map5 = affine_map<(d0, d1) -> (d0, d1, 0, 0)>
#map6 = affine_map<(d0, d1, d2) -> (d0, d1, d2, 0, 0, 0)>
#map7 = affine_map<() -> ()>
#map8 = affine_map<(d0, d1) -> (d0 * 8 + d1)>
#map9 = affine_map<() -> (8)>
#map10 = affine_map<() -> (4)>
#map11 = affine_map<(d0, d1) -> (d0, d1)>
#map12 = affine_map<() -> (5)>
#map13 = affine_map<() -> (32)>
#map14 = affine_map<(d0, d1, d2) -> (d0, d1 * 4 + d2)>
#map15 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 * 4 + d3 + 32)>
#map16 = affine_map<() -> (1)>
#map17 = affine_map<(d0, d1, d2) -> (d0, d1, d2 * -2 + 62)>
#map18 = affine_map<(d0, d1, d2) -> (d0, d1, d2 * -2 + 63)>
#map19 = affine_map<(d0, d1, d2) -> (d0, d1, -d2 + 31)>
#map20 = affine_map<() -> (31)>
#map21 = affine_map<(d0, d1) -> (d0, d1, 1)>
#map22 = affine_map<() -> (2)>
#map23 = affine_map<() -> (3)>
#map24 = affine_map<(d0) -> (d0 + 1)>
#map25 = affine_map<(d0, d1) -> (d0 + d1)>
#map26 = affine_map<() -> (421)>
"builtin.module"() ({
  "func.func"() <{function_type = (memref<416xi64>, !allo.stream<i64, 16>) -> (), sym_name = "load_0_0"}> ({
  ^bb0(%arg40: memref<416xi64> loc(unknown), %arg41: !allo.stream<i64, 16> loc(unknown)):
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map2}> ({
    ^bb0(%arg42: index loc("kernels/ternary_matvec.py":102:8)):
      %137 = "affine.load"(%arg40, %arg42) <{map = #map}> {from = "memory", unsigned} : (memref<416xi64>, index) -> i64 loc(#loc2)
      "allo.stream_put"(%arg41, %137) <{indices = array<i64>}> {unsigned} : (!allo.stream<i64, 16>, i64) -> () loc(#loc3)
      "affine.yield"() : () -> () loc(#loc1)
    }) {loop_name = "n", op_name = "S_n_0", pipeline_ii = 1 : ui32} : () -> () loc(#loc1)
    "func.return"() : () -> () loc(#loc4)
  }) {df.kernel, itypes = "uu", otypes = "", stypes = "_o"} : () -> () loc(#loc)
  "func.func"() <{function_type = (memref<416xi64>, !allo.stream<i64, 16>) -> (), sym_name = "load_1_0"}> ({
  ^bb0(%arg37: memref<416xi64> loc(unknown), %arg38: !allo.stream<i64, 16> loc(unknown)):
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map2}> ({
    ^bb0(%arg39: index loc("kernels/ternary_matvec.py":102:8)):
      %136 = "affine.load"(%arg37, %arg39) <{map = #map}> {from = "memory", unsigned} : (memref<416xi64>, index) -> i64 loc(#loc2)
      "allo.stream_put"(%arg38, %136) <{indices = array<i64>}> {unsigned} : (!allo.stream<i64, 16>, i64) -> () loc(#loc3)
      "affine.yield"() : () -> () loc(#loc1)
    }) {loop_name = "n", op_name = "S_n_0", pipeline_ii = 1 : ui32} : () -> () loc(#loc1)
    "func.return"() : () -> () loc(#loc4)
  }) {df.kernel, itypes = "uu", otypes = "", stypes = "_o"} : () -> () loc(#loc)
  "func.func"() <{function_type = (memref<416xi64>, !allo.stream<i64, 16>) -> (), sym_name = "load_2_0"}> ({
  ^bb0(%arg34: memref<416xi64> loc(unknown), %arg35: !allo.stream<i64, 16> loc(unknown)):
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map2}> ({
    ^bb0(%arg36: index loc("kernels/ternary_matvec.py":102:8)):
      %135 = "affine.load"(%arg34, %arg36) <{map = #map}> {from = "memory", unsigned} : (memref<416xi64>, index) -> i64 loc(#loc2)
      "allo.stream_put"(%arg35, %135) <{indices = array<i64>}> {unsigned} : (!allo.stream<i64, 16>, i64) -> () loc(#loc3)
      "affine.yield"() : () -> () loc(#loc1)
    }) {loop_name = "n", op_name = "S_n_0", pipeline_ii = 1 : ui32} : () -> () loc(#loc1)
    "func.return"() : () -> () loc(#loc4)
  }) {df.kernel, itypes = "uu", otypes = "", stypes = "_o"} : () -> () loc(#loc)
  "func.func"() <{function_type = (memref<416xi64>, !allo.stream<i64, 16>) -> (), sym_name = "load_3_0"}> ({
  ^bb0(%arg31: memref<416xi64> loc(unknown), %arg32: !allo.stream<i64, 16> loc(unknown)):
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map2}> ({
    ^bb0(%arg33: index loc("kernels/ternary_matvec.py":102:8)):
      %134 = "affine.load"(%arg31, %arg33) <{map = #map}> {from = "memory", unsigned} : (memref<416xi64>, index) -> i64 loc(#loc2)
      "allo.stream_put"(%arg32, %134) <{indices = array<i64>}> {unsigned} : (!allo.stream<i64, 16>, i64) -> () loc(#loc3)
      "affine.yield"() : () -> () loc(#loc1)
    }) {loop_name = "n", op_name = "S_n_0", pipeline_ii = 1 : ui32} : () -> () loc(#loc1)
    "func.return"() : () -> () loc(#loc4)
  }) {df.kernel, itypes = "uu", otypes = "", stypes = "_o"} : () -> () loc(#loc)
  "func.func"() <{function_type = (memref<4xi64, #map3>, memref<176x1x8x4xi8, #map4>, i32, memref<5x1xi21, #map5>) -> (), sym_name = "multiply_word"}> ({
  ^bb0(%arg16: memref<4xi64, #map3> loc("kernels/ternary_matvec.py":47:0), %arg17: memref<176x1x8x4xi8, #map4> loc("kernels/ternary_matvec.py":47:0), %arg18: i32 loc("kernels/ternary_matvec.py":47:0), %arg19: memref<5x1xi21, #map5> loc("kernels/ternary_matvec.py":47:0)):
    %54 = "arith.constant"() <{value = -1 : i32}> {name = "%c-1_i32"} : () -> i32 loc(#loc)
    %55 = "arith.constant"() <{value = 1 : i33}> {name = "%c1_i33"} : () -> i33 loc(#loc)
    %56 = "arith.constant"() <{value = 8 : i16}> {name = "%c8_i16"} : () -> i16 loc(#loc)
    %57 = "arith.constant"() <{value = 1 : i16}> {name = "%c1_i16"} : () -> i16 loc(#loc)
    %58 = "arith.constant"() <{value = 8 : i64}> {name = "%c8_i64"} : () -> i64 loc(#loc)
    %59 = "arith.constant"() <{value = 0 : i16}> {name = "%c0_i16"} : () -> i16 loc(#loc)
    %60 = "arith.constant"() <{value = 0 : i32}> {name = "%c0_i32"} : () -> i32 loc(#loc)
    %61 = "arith.constant"() <{value = 1 : i32}> {name = "%c1_i32"} : () -> i32 loc(#loc)
    %62 = "arith.constant"() <{value = 255 : i32}> {name = "%c255_i32"} : () -> i32 loc(#loc)
    %63 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "lanes"} : () -> memref<32xi16, #map3> loc(#loc6)
    %64 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "trits"} : () -> memref<5x32xi16, #map5> loc(#loc7)
    %65 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "tree"} : () -> memref<5x1x64xi16, #map6> loc(#loc8)
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map10}> ({
    ^bb0(%arg29: index loc("kernels/ternary_matvec.py":57:4)):
      %123 = "affine.load"(%arg16, %arg29) <{map = #map}> {from = "word", unsigned} : (memref<4xi64, #map3>, index) -> i64 loc(#loc10)
      %124 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "rest", unsigned} : () -> memref<i64> loc(#loc11)
      "affine.store"(%123, %124) <{map = #map7}> {to = "rest"} : (i64, memref<i64>) -> () loc(#loc11)
      "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map9}> ({
      ^bb0(%arg30: index loc("kernels/ternary_matvec.py":59:8)):
        %125 = "affine.load"(%124) <{map = #map7}> {from = "rest"} : (memref<i64>) -> i64 loc(#loc13)
        %126 = "arith.trunci"(%125) <{overflowFlags = #arith.overflow<none>}> : (i64) -> i16 loc(#loc14)
        %127 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "low"} : () -> memref<i16> loc(#loc14)
        "affine.store"(%126, %127) <{map = #map7}> {to = "low"} : (i16, memref<i16>) -> () loc(#loc14)
        %128 = "affine.load"(%127) <{map = #map7}> {from = "low"} : (memref<i16>) -> i16 loc(#loc15)
        %129 = "arith.extsi"(%128) : (i16) -> i32 loc(#loc15)
        %130 = "arith.andi"(%129, %62) : (i32, i32) -> i32 loc(#loc15)
        %131 = "arith.trunci"(%130) <{overflowFlags = #arith.overflow<none>}> : (i32) -> i16 loc(#loc16)
        "affine.store"(%131, %63, %arg29, %arg30) <{map = #map8}> {to = "lanes"} : (i16, memref<32xi16, #map3>, index, index) -> () loc(#loc16)
        %132 = "affine.load"(%124) <{map = #map7}> {from = "rest"} : (memref<i64>) -> i64 loc(#loc17)
        %133 = "arith.shrui"(%132, %58) {unsigned} : (i64, i64) -> i64 loc(#loc17)
        "affine.store"(%133, %124) <{map = #map7}> {to = "rest"} : (i64, memref<i64>) -> () loc(#loc18)
        "affine.yield"() : () -> () loc(#loc12)
      }) {loop_name = "j", op_name = "S_j_0"} : () -> () loc(#loc12)
      "affine.yield"() : () -> () loc(#loc9)
    }) {loop_name = "p", op_name = "S_p_0"} : () -> () loc(#loc9)
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map13}> ({
    ^bb0(%arg27: index loc("kernels/ternary_matvec.py":63:4)):
      %105 = "affine.load"(%63, %arg27) <{map = #map}> {from = "lanes"} : (memref<32xi16, #map3>, index) -> i16 loc(#loc20)
      %106 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "byte"} : () -> memref<i16> loc(#loc21)
      "affine.store"(%105, %106) <{map = #map7}> {to = "byte"} : (i16, memref<i16>) -> () loc(#loc21)
      "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map12}> ({
      ^bb0(%arg28: index loc("kernels/ternary_matvec.py":65:8)):
        %107 = "affine.load"(%106) <{map = #map7}> {from = "byte"} : (memref<i16>) -> i16 loc(#loc23)
        %108 = "arith.shli"(%107, %57) <{overflowFlags = #arith.overflow<none>}> : (i16, i16) -> i16 loc(#loc24)
        %109 = "arith.extsi"(%107) : (i16) -> i17 loc(#loc23)
        %110 = "arith.extui"(%108) : (i16) -> i17 loc(#loc23)
        %111 = "arith.addi"(%109, %110) <{overflowFlags = #arith.overflow<none>}> : (i17, i17) -> i17 loc(#loc23)
        %112 = "arith.trunci"(%111) <{overflowFlags = #arith.overflow<none>}> : (i17) -> i16 loc(#loc25)
        %113 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "triple"} : () -> memref<i16> loc(#loc25)
        "affine.store"(%112, %113) <{map = #map7}> {to = "triple"} : (i16, memref<i16>) -> () loc(#loc25)
        %114 = "affine.load"(%113) <{map = #map7}> {from = "triple"} : (memref<i16>) -> i16 loc(#loc26)
        %115 = "arith.shrsi"(%114, %56) : (i16, i16) -> i16 loc(#loc26)
        %116 = "arith.extsi"(%115) : (i16) -> i33 loc(#loc27)
        %117 = "arith.subi"(%116, %55) <{overflowFlags = #arith.overflow<none>}> : (i33, i33) -> i33 loc(#loc27)
        %118 = "arith.trunci"(%117) <{overflowFlags = #arith.overflow<none>}> : (i33) -> i16 loc(#loc28)
        "affine.store"(%118, %64, %arg28, %arg27) <{map = #map11}> {to = "trits"} : (i16, memref<5x32xi16, #map5>, index, index) -> () loc(#loc28)
        %119 = "affine.load"(%113) <{map = #map7}> {from = "triple"} : (memref<i16>) -> i16 loc(#loc29)
        %120 = "arith.extsi"(%119) : (i16) -> i32 loc(#loc29)
        %121 = "arith.andi"(%120, %62) : (i32, i32) -> i32 loc(#loc29)
        %122 = "arith.trunci"(%121) <{overflowFlags = #arith.overflow<none>}> : (i32) -> i16 loc(#loc30)
        "affine.store"(%122, %106) <{map = #map7}> {to = "byte"} : (i16, memref<i16>) -> () loc(#loc30)
        "affine.yield"() : () -> () loc(#loc22)
      }) {loop_name = "r", op_name = "S_r_2"} : () -> () loc(#loc22)
      "affine.yield"() : () -> () loc(#loc19)
    }) {loop_name = "m", op_name = "S_m_2"} : () -> () loc(#loc19)
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map16}> ({
    ^bb0(%arg23: index loc("kernels/ternary_matvec.py":76:4)):
      "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map9}> ({
      ^bb0(%arg24: index loc("kernels/ternary_matvec.py":76:4)):
        "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map10}> ({
        ^bb0(%arg25: index loc("kernels/ternary_matvec.py":76:4)):
          %84 = "arith.index_cast"(%arg18) : (i32) -> index loc(#loc32)
          %85 = "memref.load"(%arg17, %84, %arg23, %arg24, %arg25) {from = "codes"} : (memref<176x1x8x4xi8, #map4>, index, index, index, index) -> i8 loc(#loc32)
          %86 = "arith.extsi"(%85) : (i8) -> i16 loc(#loc33)
          %87 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "code"} : () -> memref<i16> loc(#loc33)
          "affine.store"(%86, %87) <{map = #map7}> {to = "code"} : (i16, memref<i16>) -> () loc(#loc33)
          "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map12}> ({
          ^bb0(%arg26: index loc("kernels/ternary_matvec.py":78:8)):
            %88 = "affine.load"(%64, %arg26, %arg24, %arg25) <{map = #map14}> {from = "trits"} : (memref<5x32xi16, #map5>, index, index, index) -> i16 loc(#loc35)
            %89 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "trit"} : () -> memref<i16> loc(#loc36)
            "affine.store"(%88, %89) <{map = #map7}> {to = "trit"} : (i16, memref<i16>) -> () loc(#loc36)
            %90 = "affine.load"(%89) <{map = #map7}> {from = "trit"} : (memref<i16>) -> i16 loc(#loc37)
            %91 = "arith.extsi"(%90) : (i16) -> i32 loc(#loc37)
            %92 = "arith.cmpi"(%91, %61) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc37)
            %93 = "affine.load"(%87) <{map = #map7}> {from = "code"} : (memref<i16>) -> i16 loc(#loc38)
            %94 = "arith.extsi"(%93) : (i16) -> i32 loc(#loc38)
            %95 = "arith.select"(%92, %94, %60) : (i1, i32, i32) -> i32 loc(#loc38)
            %96 = "arith.trunci"(%95) <{overflowFlags = #arith.overflow<none>}> : (i32) -> i16 loc(#loc39)
            %97 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "added"} : () -> memref<i16> loc(#loc39)
            "affine.store"(%96, %97) <{map = #map7}> {to = "added"} : (i16, memref<i16>) -> () loc(#loc39)
            %98 = "affine.load"(%89) <{map = #map7}> {from = "trit"} : (memref<i16>) -> i16 loc(#loc40)
            %99 = "arith.extsi"(%98) : (i16) -> i32 loc(#loc40)
            %100 = "arith.cmpi"(%99, %54) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc40)
            %101 = "affine.load"(%87) <{map = #map7}> {from = "code"} : (memref<i16>) -> i16 loc(#loc41)
            %102 = "arith.subi"(%59, %101) <{overflowFlags = #arith.overflow<none>}> : (i16, i16) -> i16 loc(#loc42)
            %103 = "affine.load"(%97) <{map = #map7}> {from = "added"} : (memref<i16>) -> i16 loc(#loc43)
            %104 = "arith.select"(%100, %102, %103) : (i1, i16, i16) -> i16 loc(#loc42)
            "affine.store"(%104, %65, %arg26, %arg23, %arg24, %arg25) <{map = #map15}> {to = "tree"} : (i16, memref<5x1x64xi16, #map6>, index, index, index, index) -> () loc(#loc44)
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
      "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map16}> ({
      ^bb0(%arg21: index loc("kernels/ternary_matvec.py":82:4)):
        "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map20}> ({
        ^bb0(%arg22: index loc("kernels/ternary_matvec.py":84:8)):
          %78 = "affine.load"(%65, %arg20, %arg21, %arg22) <{map = #map17}> : (memref<5x1x64xi16, #map6>, index, index, index) -> i16 loc(#loc47)
          %79 = "affine.load"(%65, %arg20, %arg21, %arg22) <{map = #map18}> : (memref<5x1x64xi16, #map6>, index, index, index) -> i16 loc(#loc48)
          %80 = "arith.extsi"(%78) : (i16) -> i17 loc(#loc47)
          %81 = "arith.extsi"(%79) : (i16) -> i17 loc(#loc47)
          %82 = "arith.addi"(%80, %81) <{overflowFlags = #arith.overflow<none>}> : (i17, i17) -> i17 loc(#loc47)
          %83 = "arith.trunci"(%82) <{overflowFlags = #arith.overflow<none>}> : (i17) -> i16 loc(#loc49)
          "affine.store"(%83, %65, %arg20, %arg21, %arg22) <{map = #map19}> {to = "tree"} : (i16, memref<5x1x64xi16, #map6>, index, index, index) -> () loc(#loc49)
          "affine.yield"() : () -> () loc(#loc46)
        }) {loop_name = "n", op_name = "S_n_6"} : () -> () loc(#loc46)
        %66 = "arith.cmpi"(%arg18, %60) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc50)
        %67 = "affine.load"(%arg19, %arg20, %arg21) <{map = #map11}> {from = "sums"} : (memref<5x1xi21, #map5>, index, index) -> i21 loc(#loc51)
        %68 = "arith.extsi"(%67) : (i21) -> i32 loc(#loc52)
        %69 = "arith.select"(%66, %60, %68) : (i1, i32, i32) -> i32 loc(#loc52)
        %70 = "arith.trunci"(%69) <{overflowFlags = #arith.overflow<none>}> : (i32) -> i21 loc(#loc53)
        %71 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "before"} : () -> memref<i21> loc(#loc53)
        "affine.store"(%70, %71) <{map = #map7}> {to = "before"} : (i21, memref<i21>) -> () loc(#loc53)
        %72 = "affine.load"(%71) <{map = #map7}> {from = "before"} : (memref<i21>) -> i21 loc(#loc54)
        %73 = "affine.load"(%65, %arg20, %arg21) <{map = #map21}> {from = "tree"} : (memref<5x1x64xi16, #map6>, index, index) -> i16 loc(#loc55)
        %74 = "arith.extsi"(%72) : (i21) -> i22 loc(#loc54)
        %75 = "arith.extsi"(%73) : (i16) -> i22 loc(#loc54)
        %76 = "arith.addi"(%74, %75) <{overflowFlags = #arith.overflow<none>}> : (i22, i22) -> i22 loc(#loc54)
        %77 = "arith.trunci"(%76) <{overflowFlags = #arith.overflow<none>}> : (i22) -> i21 loc(#loc56)
        "affine.store"(%77, %arg19, %arg20, %arg21) <{map = #map11}> {to = "sums"} : (i21, memref<5x1xi21, #map5>, index, index) -> () loc(#loc56)
        "affine.yield"() : () -> () loc(#loc45)
      }) {loop_name = "t"} : () -> () loc(#loc45)
      "affine.yield"() : () -> () loc(#loc45)
    }) {loop_name = "r", op_name = "S_r_t_6"} : () -> () loc(#loc45)
    "func.return"() : () -> () loc(#loc5)
  }) {itypes = "usss", otypes = ""} : () -> () loc(#loc5)
  "func.func"() <{function_type = (memref<176x1x8x4xi8, #map4>, memref<256xi32>, !allo.stream<i64, 16>, !allo.stream<i64, 16>, !allo.stream<i64, 16>, !allo.stream<i64, 16>) -> (), sym_name = "multiply_0"}> ({
  ^bb0(%arg6: memref<176x1x8x4xi8, #map4> loc(unknown), %arg7: memref<256xi32> loc(unknown), %arg8: !allo.stream<i64, 16> loc(unknown), %arg9: !allo.stream<i64, 16> loc(unknown), %arg10: !allo.stream<i64, 16> loc(unknown), %arg11: !allo.stream<i64, 16> loc(unknown)):
    %4 = "arith.constant"() <{value = 1 : i33}> {name = "%c1_i33"} : () -> i33 loc(#loc)
    %5 = "arith.constant"() <{value = 416 : i33}> {name = "%c416_i33"} : () -> i33 loc(#loc)
    %6 = "arith.constant"() <{value = 5 : i32}> {name = "%c5_i32"} : () -> i32 loc(#loc)
    %7 = "arith.constant"() <{value = 8 : i32}> {name = "%c8_i32"} : () -> i32 loc(#loc)
    %8 = "arith.constant"() <{value = 256 : i32}> {name = "%c256_i32"} : () -> i32 loc(#loc)
    %9 = "arith.constant"() <{value = 1 : i32}> {name = "%c1_i32"} : () -> i32 loc(#loc)
    %10 = "arith.constant"() <{value = 0 : i32}> {name = "%c0_i32"} : () -> i32 loc(#loc)
    %11 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "word", unsigned} : () -> memref<4xi64, #map3> loc(#loc57)
    %12 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "group"} : () -> memref<5x1xi21, #map5> loc(#loc58)
    %13 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "leaving"} : () -> memref<5xi21, #map3> loc(#loc59)
    %14 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "column"} : () -> memref<i32> loc(#loc60)
    "affine.store"(%10, %14) <{map = #map7}> {to = "column"} : (i32, memref<i32>) -> () loc(#loc60)
    %15 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "position"} : () -> memref<i32> loc(#loc61)
    "affine.store"(%10, %15) <{map = #map7}> {to = "position"} : (i32, memref<i32>) -> () loc(#loc61)
    %16 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "pending"} : () -> memref<i32> loc(#loc62)
    "affine.store"(%10, %16) <{map = #map7}> {to = "pending"} : (i32, memref<i32>) -> () loc(#loc62)
    %17 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "waiting"} : () -> memref<i32> loc(#loc63)
    "affine.store"(%10, %17) <{map = #map7}> {to = "waiting"} : (i32, memref<i32>) -> () loc(#loc63)
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map26}> ({
    ^bb0(%arg12: index loc("kernels/ternary_matvec.py":114:8)):
      %18 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "taking"} : () -> memref<i32> loc(#loc65)
      "affine.store"(%9, %18) <{map = #map7}> {to = "taking"} : (i32, memref<i32>) -> () loc(#loc65)
      %19 = "arith.index_cast"(%arg12) : (index) -> i33 loc(#loc66)
      %20 = "arith.cmpi"(%19, %5) <{predicate = 2 : i64}> : (i33, i33) -> i1 loc(#loc66)
      "scf.if"(%20) ({
        %48 = "affine.load"(%18) <{map = #map7}> {from = "taking"} : (memref<i32>) -> i32 loc(#loc68)
        %49 = "arith.cmpi"(%48, %9) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc68)
        "scf.if"(%49) ({
          %50 = "allo.stream_get"(%arg8) <{indices = array<i64>}> {unsigned} : (!allo.stream<i64, 16>) -> i64 loc(#loc70)
          "affine.store"(%50, %11) <{map = #map1}> {to = "word"} : (i64, memref<4xi64, #map3>) -> () loc(#loc71)
          %51 = "allo.stream_get"(%arg9) <{indices = array<i64>}> {unsigned} : (!allo.stream<i64, 16>) -> i64 loc(#loc70)
          "affine.store"(%51, %11) <{map = #map16}> {to = "word"} : (i64, memref<4xi64, #map3>) -> () loc(#loc71)
          %52 = "allo.stream_get"(%arg10) <{indices = array<i64>}> {unsigned} : (!allo.stream<i64, 16>) -> i64 loc(#loc70)
          "affine.store"(%52, %11) <{map = #map22}> {to = "word"} : (i64, memref<4xi64, #map3>) -> () loc(#loc71)
          %53 = "allo.stream_get"(%arg11) <{indices = array<i64>}> {unsigned} : (!allo.stream<i64, 16>) -> i64 loc(#loc70)
          "affine.store"(%53, %11) <{map = #map23}> {to = "word"} : (i64, memref<4xi64, #map3>) -> () loc(#loc71)
          "scf.yield"() : () -> () loc(#loc69)
        }, {
        }) : (i1) -> () loc(#loc69)
        "scf.yield"() : () -> () loc(#loc67)
      }, {
      }) : (i1) -> () loc(#loc67)
      %21 = "affine.load"(%14) <{map = #map7}> {from = "column"} : (memref<i32>) -> i32 loc(#loc72)
      "func.call"(%11, %arg6, %21, %12) <{callee = @multiply_word}> : (memref<4xi64, #map3>, memref<176x1x8x4xi8, #map4>, i32, memref<5x1xi21, #map5>) -> () loc(#loc73)
      %22 = "affine.load"(%16) <{map = #map7}> {from = "pending"} : (memref<i32>) -> i32 loc(#loc74)
      %23 = "arith.cmpi"(%22, %10) <{predicate = 4 : i64}> : (i32, i32) -> i1 loc(#loc74)
      "scf.if"(%23) ({
        %33 = "affine.load"(%16) <{map = #map7}> {from = "pending"} : (memref<i32>) -> i32 loc(#loc76)
        %34 = "arith.extsi"(%33) : (i32) -> i33 loc(#loc76)
        %35 = "arith.subi"(%34, %4) <{overflowFlags = #arith.overflow<none>}> : (i33, i33) -> i33 loc(#loc76)
        %36 = "arith.trunci"(%35) <{overflowFlags = #arith.overflow<none>}> : (i33) -> i32 loc(#loc76)
        "affine.store"(%36, %16) <{map = #map7}> {to = "pending"} : (i32, memref<i32>) -> () loc(#loc76)
        %37 = "affine.load"(%15) <{map = #map7}> {from = "position"} : (memref<i32>) -> i32 loc(#loc77)
        %38 = "arith.cmpi"(%37, %8) <{predicate = 2 : i64}> : (i32, i32) -> i1 loc(#loc77)
        "scf.if"(%38) ({
          %44 = "affine.load"(%13) <{map = #map1}> {from = "leaving"} : (memref<5xi21, #map3>) -> i21 loc(#loc79)
          %45 = "arith.extsi"(%44) : (i21) -> i32 loc(#loc80)
          %46 = "affine.load"(%15) <{map = #map7}> {from = "position"} : (memref<i32>) -> i32 loc(#loc81)
          %47 = "arith.index_cast"(%46) : (i32) -> index loc(#loc80)
          "memref.store"(%45, %arg7, %47) {to = "result"} : (i32, memref<256xi32>, index) -> () loc(#loc80)
          "scf.yield"() : () -> () loc(#loc78)
        }, {
        }) : (i1) -> () loc(#loc78)
        %39 = "affine.load"(%15) <{map = #map7}> {from = "position"} : (memref<i32>) -> i32 loc(#loc82)
        %40 = "arith.extsi"(%39) : (i32) -> i33 loc(#loc82)
        %41 = "arith.addi"(%40, %4) <{overflowFlags = #arith.overflow<none>}> : (i33, i33) -> i33 loc(#loc82)
        %42 = "arith.trunci"(%41) <{overflowFlags = #arith.overflow<none>}> : (i33) -> i32 loc(#loc82)
        "affine.store"(%42, %15) <{map = #map7}> {to = "position"} : (i32, memref<i32>) -> () loc(#loc82)
        "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map10}> ({
        ^bb0(%arg15: index loc("kernels/ternary_matvec.py":129:16)):
          %43 = "affine.load"(%13, %arg15) <{map = #map24}> {from = "leaving"} : (memref<5xi21, #map3>, index) -> i21 loc(#loc84)
          "affine.store"(%43, %13, %arg15) <{map = #map}> {to = "leaving"} : (i21, memref<5xi21, #map3>, index) -> () loc(#loc85)
          "affine.yield"() : () -> () loc(#loc83)
        }) {loop_name = "r", op_name = "S_r_0"} : () -> () loc(#loc83)
        "scf.yield"() : () -> () loc(#loc75)
      }, {
      }) : (i1) -> () loc(#loc75)
      %24 = "affine.load"(%18) <{map = #map7}> {from = "taking"} : (memref<i32>) -> i32 loc(#loc86)
      %25 = "arith.cmpi"(%24, %9) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc86)
      "scf.if"(%25) ({
        %26 = "affine.load"(%14) <{map = #map7}> {from = "column"} : (memref<i32>) -> i32 loc(#loc88)
        %27 = "arith.extsi"(%26) : (i32) -> i33 loc(#loc88)
        %28 = "arith.addi"(%27, %4) <{overflowFlags = #arith.overflow<none>}> : (i33, i33) -> i33 loc(#loc88)
        %29 = "arith.trunci"(%28) <{overflowFlags = #arith.overflow<none>}> : (i33) -> i32 loc(#loc88)
        "affine.store"(%29, %14) <{map = #map7}> {to = "column"} : (i32, memref<i32>) -> () loc(#loc88)
        %30 = "affine.load"(%14) <{map = #map7}> {from = "column"} : (memref<i32>) -> i32 loc(#loc89)
        %31 = "arith.cmpi"(%30, %7) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc89)
        "scf.if"(%31) ({
          "affine.store"(%10, %14) <{map = #map7}> {to = "column"} : (i32, memref<i32>) -> () loc(#loc91)
          "affine.store"(%6, %16) <{map = #map7}> {to = "pending"} : (i32, memref<i32>) -> () loc(#loc92)
          "affine.store"(%10, %17) <{map = #map7}> {to = "waiting"} : (i32, memref<i32>) -> () loc(#loc93)
          "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map12}> ({
          ^bb0(%arg13: index loc("kernels/ternary_matvec.py":137:20)):
            "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map16}> ({
            ^bb0(%arg14: index loc("kernels/ternary_matvec.py":137:20)):
              %32 = "affine.load"(%12, %arg13, %arg14) <{map = #map11}> {from = "group"} : (memref<5x1xi21, #map5>, index, index) -> i21 loc(#loc95)
              "affine.store"(%32, %13, %arg13, %arg14) <{map = #map25}> {to = "leaving"} : (i21, memref<5xi21, #map3>, index, index) -> () loc(#loc96)
              "affine.yield"() : () -> () loc(#loc94)
            }) {loop_name = "t"} : () -> () loc(#loc94)
            "affine.yield"() : () -> () loc(#loc94)
          }) {loop_name = "r", op_name = "S_r_t_1"} : () -> () loc(#loc94)
          "scf.yield"() : () -> () loc(#loc90)
        }, {
        }) : (i1) -> () loc(#loc90)
        "scf.yield"() : () -> () loc(#loc87)
      }, {
      }) : (i1) -> () loc(#loc87)
      "affine.yield"() : () -> () loc(#loc64)
    }) {loop_name = "n", op_name = "S_n_0", pipeline_ii = 1 : ui32} : () -> () loc(#loc64)
    "func.return"() : () -> () loc(#loc97)
  }) {df.kernel, itypes = "ssuuuu", otypes = "", stypes = "__iiii"} : () -> () loc(#loc)
  "func.func"() <{function_type = (memref<416xi64>, memref<416xi64>, memref<416xi64>, memref<416xi64>, memref<176x1x8x4xi8, #map4>, memref<256xi32>) -> (), sym_name = "ternary_matvec"}> ({
  ^bb0(%arg0: memref<416xi64> loc(unknown), %arg1: memref<416xi64> loc(unknown), %arg2: memref<416xi64> loc(unknown), %arg3: memref<416xi64> loc(unknown), %arg4: memref<176x1x8x4xi8, #map4> loc(unknown), %arg5: memref<256xi32> loc(unknown)):
    %0 = "allo.stream_construct"() {name = "trits_0", unsigned} : () -> !allo.stream<i64, 16> loc(#loc98)
    %1 = "allo.stream_construct"() {name = "trits_1", unsigned} : () -> !allo.stream<i64, 16> loc(#loc98)
    %2 = "allo.stream_construct"() {name = "trits_2", unsigned} : () -> !allo.stream<i64, 16> loc(#loc98)
    %3 = "allo.stream_construct"() {name = "trits_3", unsigned} : () -> !allo.stream<i64, 16> loc(#loc98)
    "func.call"(%arg0, %0) <{callee = @load_0_0}> : (memref<416xi64>, !allo.stream<i64, 16>) -> () loc(#loc)
    "func.call"(%arg1, %1) <{callee = @load_1_0}> : (memref<416xi64>, !allo.stream<i64, 16>) -> () loc(#loc)
    "func.call"(%arg2, %2) <{callee = @load_2_0}> : (memref<416xi64>, !allo.stream<i64, 16>) -> () loc(#loc)
    "func.call"(%arg3, %3) <{callee = @load_3_0}> : (memref<416xi64>, !allo.stream<i64, 16>) -> () loc(#loc)
    "func.call"(%arg4, %arg5, %0, %1, %2, %3) <{callee = @multiply_0}> {last} : (memref<176x1x8x4xi8, #map4>, memref<256xi32>, !allo.stream<i64, 16>, !allo.stream<i64, 16>, !allo.stream<i64, 16>, !allo.stream<i64, 16>) -> () loc(#loc)
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
#loc66 = loc("kernels/ternary_matvec.py":120:15)
#loc67 = loc("kernels/ternary_matvec.py":120:12)
#loc68 = loc("kernels/ternary_matvec.py":121:19)
#loc69 = loc("kernels/ternary_matvec.py":121:16)
#loc70 = loc("kernels/ternary_matvec.py":122:35)
#loc71 = loc("kernels/ternary_matvec.py":122:20)
#loc72 = loc("kernels/ternary_matvec.py":123:40)
#loc73 = loc("kernels/ternary_matvec.py":123:12)
#loc74 = loc("kernels/ternary_matvec.py":124:15)
#loc75 = loc("kernels/ternary_matvec.py":124:12)
#loc76 = loc("kernels/ternary_matvec.py":125:16)
#loc77 = loc("kernels/ternary_matvec.py":126:19)
#loc78 = loc("kernels/ternary_matvec.py":126:16)
#loc79 = loc("kernels/ternary_matvec.py":127:39)
#loc80 = loc("kernels/ternary_matvec.py":127:20)
#loc81 = loc("kernels/ternary_matvec.py":127:27)
#loc82 = loc("kernels/ternary_matvec.py":128:16)
#loc84 = loc("kernels/ternary_matvec.py":130:33)
#loc85 = loc("kernels/ternary_matvec.py":130:20)
#loc86 = loc("kernels/ternary_matvec.py":131:15)
#loc87 = loc("kernels/ternary_matvec.py":131:12)
#loc88 = loc("kernels/ternary_matvec.py":132:16)
#loc89 = loc("kernels/ternary_matvec.py":133:19)
#loc90 = loc("kernels/ternary_matvec.py":133:16)
#loc91 = loc("kernels/ternary_matvec.py":134:20)
#loc92 = loc("kernels/ternary_matvec.py":135:20)
#loc93 = loc("kernels/ternary_matvec.py":136:20)
#loc95 = loc("kernels/ternary_matvec.py":138:50)
#loc96 = loc("kernels/ternary_matvec.py":138:24)
#loc97 = loc("kernels/ternary_matvec.py":106:4)
#loc98 = loc("kernels/ternary_matvec.py":98:4)
