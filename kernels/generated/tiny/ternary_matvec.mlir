#loc = loc(unknown)
#map = affine_map<(d0) -> (d0)>
#map1 = affine_map<() -> (0)>
#map2 = affine_map<() -> (234)>
#map3 = affine_map<(d0) -> (d0, 0)>
#map4 = affine_map<(d0, d1, d2) -> (0, d1, d2, d0, 0, 0)>
#map5 = affine_map<(d0, d1) -> (d0, d1, 0, 0)>
#map6 = affine_map<() -> ()>
#map7 = affine_map<(d0, d1) -> (d0 * 16 + d1)>
#map8 = affine_map<() -> (16)>
#map9 = affine_map<() -> (2)>
#map10 = affine_map<(d0, d1) -> (d0 * 4 + d1)>
#map11 = affine_map<(d0, d1, d2) -> (d0, d1 * 4 + d2 + 32)>
#map12 = affine_map<() -> (5)>
#map13 = affine_map<() -> (4)>
#map14 = affine_map<() -> (8)>
#map15 = affine_map<(d0, d1) -> (d0, d1 * -2 + 62)>
#map16 = affine_map<(d0, d1) -> (d0, d1 * -2 + 63)>
#map17 = affine_map<(d0, d1) -> (d0, -d1 + 31)>
#map18 = affine_map<() -> (31)>
#map19 = affine_map<(d0) -> (d0, 1)>
#map20 = affine_map<() -> (1)>
#map21 = affine_map<(d0) -> (d0 + 1)>
#map22 = affine_map<() -> (239)>
"builtin.module"() ({
  "func.func"() <{function_type = (memref<234xi128>, !allo.stream<i128, 16>) -> (), sym_name = "load_0_0"}> ({
  ^bb0(%arg25: memref<234xi128> loc(unknown), %arg26: !allo.stream<i128, 16> loc(unknown)):
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map2}> ({
    ^bb0(%arg27: index loc(unknown)):
      %122 = "affine.load"(%arg25, %arg27) <{map = #map}> {from = "memory", unsigned} : (memref<234xi128>, index) -> i128 loc(#loc)
      "allo.stream_put"(%arg26, %122) <{indices = array<i64>}> {unsigned} : (!allo.stream<i128, 16>, i128) -> () loc(#loc)
      "affine.yield"() : () -> () loc(#loc)
    }) {loop_name = "n", op_name = "S_n_0", pipeline_ii = 1 : ui32} : () -> () loc(#loc)
    "func.return"() : () -> () loc(#loc1)
  }) {df.kernel, itypes = "uu", otypes = "", stypes = "_o"} : () -> () loc(#loc)
  "func.func"() <{function_type = (memref<234xi128>, !allo.stream<i128, 16>) -> (), sym_name = "load_1_0"}> ({
  ^bb0(%arg22: memref<234xi128> loc(unknown), %arg23: !allo.stream<i128, 16> loc(unknown)):
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map2}> ({
    ^bb0(%arg24: index loc(unknown)):
      %121 = "affine.load"(%arg22, %arg24) <{map = #map}> {from = "memory", unsigned} : (memref<234xi128>, index) -> i128 loc(#loc)
      "allo.stream_put"(%arg23, %121) <{indices = array<i64>}> {unsigned} : (!allo.stream<i128, 16>, i128) -> () loc(#loc)
      "affine.yield"() : () -> () loc(#loc)
    }) {loop_name = "n", op_name = "S_n_0", pipeline_ii = 1 : ui32} : () -> () loc(#loc)
    "func.return"() : () -> () loc(#loc2)
  }) {df.kernel, itypes = "uu", otypes = "", stypes = "_o"} : () -> () loc(#loc)
  "func.func"() <{function_type = (memref<2xi128, #map3>, memref<8x8x4xi8, #map4>, i32, memref<5xi16, #map3>) -> (), sym_name = "multiply_word"}> ({
  ^bb0(%arg11: memref<2xi128, #map3> loc(unknown), %arg12: memref<8x8x4xi8, #map4> loc(unknown), %arg13: i32 loc(unknown), %arg14: memref<5xi16, #map3> loc(unknown)):
    %43 = "arith.constant"() <{value = -1 : i32}> {name = "%c-1_i32"} : () -> i32 loc(#loc)
    %44 = "arith.constant"() <{value = 1 : i33}> {name = "%c1_i33"} : () -> i33 loc(#loc)
    %45 = "arith.constant"() <{value = 8 : i16}> {name = "%c8_i16"} : () -> i16 loc(#loc)
    %46 = "arith.constant"() <{value = 1 : i16}> {name = "%c1_i16"} : () -> i16 loc(#loc)
    %47 = "arith.constant"() <{value = 8 : i128}> {name = "%c8_i128"} : () -> i128 loc(#loc)
    %48 = "arith.constant"() <{value = 0 : i16}> {name = "%c0_i16"} : () -> i16 loc(#loc)
    %49 = "arith.constant"() <{value = 1 : i32}> {name = "%c1_i32"} : () -> i32 loc(#loc)
    %50 = "arith.constant"() <{value = 0 : i32}> {name = "%c0_i32"} : () -> i32 loc(#loc)
    %51 = "arith.constant"() <{value = 255 : i32}> {name = "%c255_i32"} : () -> i32 loc(#loc)
    %52 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "lanes"} : () -> memref<32xi16, #map3> loc(#loc)
    %53 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "tree"} : () -> memref<5x64xi16, #map5> loc(#loc)
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map9}> ({
    ^bb0(%arg20: index loc(unknown)):
      %110 = "affine.load"(%arg11, %arg20) <{map = #map}> {from = "word", unsigned} : (memref<2xi128, #map3>, index) -> i128 loc(#loc)
      %111 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "rest", unsigned} : () -> memref<i128> loc(#loc)
      "affine.store"(%110, %111) <{map = #map6}> {to = "rest"} : (i128, memref<i128>) -> () loc(#loc)
      "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map8}> ({
      ^bb0(%arg21: index loc(unknown)):
        %112 = "affine.load"(%111) <{map = #map6}> {from = "rest"} : (memref<i128>) -> i128 loc(#loc)
        %113 = "arith.trunci"(%112) <{overflowFlags = #arith.overflow<none>}> : (i128) -> i16 loc(#loc)
        %114 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "low"} : () -> memref<i16> loc(#loc)
        "affine.store"(%113, %114) <{map = #map6}> {to = "low"} : (i16, memref<i16>) -> () loc(#loc)
        %115 = "affine.load"(%114) <{map = #map6}> {from = "low"} : (memref<i16>) -> i16 loc(#loc)
        %116 = "arith.extsi"(%115) : (i16) -> i32 loc(#loc)
        %117 = "arith.andi"(%116, %51) : (i32, i32) -> i32 loc(#loc)
        %118 = "arith.trunci"(%117) <{overflowFlags = #arith.overflow<none>}> : (i32) -> i16 loc(#loc)
        "affine.store"(%118, %52, %arg20, %arg21) <{map = #map7}> {to = "lanes"} : (i16, memref<32xi16, #map3>, index, index) -> () loc(#loc)
        %119 = "affine.load"(%111) <{map = #map6}> {from = "rest"} : (memref<i128>) -> i128 loc(#loc)
        %120 = "arith.shrui"(%119, %47) {unsigned} : (i128, i128) -> i128 loc(#loc)
        "affine.store"(%120, %111) <{map = #map6}> {to = "rest"} : (i128, memref<i128>) -> () loc(#loc)
        "affine.yield"() : () -> () loc(#loc)
      }) {loop_name = "j", op_name = "S_j_0"} : () -> () loc(#loc)
      "affine.yield"() : () -> () loc(#loc)
    }) {loop_name = "p", op_name = "S_p_0"} : () -> () loc(#loc)
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map14}> ({
    ^bb0(%arg17: index loc(unknown)):
      "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map13}> ({
      ^bb0(%arg18: index loc(unknown)):
        %72 = "arith.index_cast"(%arg13) : (i32) -> index loc(#loc)
        %73 = "memref.load"(%arg12, %72, %arg17, %arg18) {from = "codes"} : (memref<8x8x4xi8, #map4>, index, index, index) -> i8 loc(#loc)
        %74 = "arith.extsi"(%73) : (i8) -> i16 loc(#loc)
        %75 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "code"} : () -> memref<i16> loc(#loc)
        "affine.store"(%74, %75) <{map = #map6}> {to = "code"} : (i16, memref<i16>) -> () loc(#loc)
        %76 = "affine.load"(%52, %arg17, %arg18) <{map = #map10}> {from = "lanes"} : (memref<32xi16, #map3>, index, index) -> i16 loc(#loc)
        %77 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "byte"} : () -> memref<i16> loc(#loc)
        "affine.store"(%76, %77) <{map = #map6}> {to = "byte"} : (i16, memref<i16>) -> () loc(#loc)
        "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map12}> ({
        ^bb0(%arg19: index loc(unknown)):
          %78 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "trit"} : () -> memref<i16> loc(#loc)
          "affine.store"(%48, %78) <{map = #map6}> {to = "trit"} : (i16, memref<i16>) -> () loc(#loc)
          %79 = "affine.load"(%77) <{map = #map6}> {from = "byte"} : (memref<i16>) -> i16 loc(#loc)
          %80 = "arith.shli"(%79, %46) <{overflowFlags = #arith.overflow<none>}> : (i16, i16) -> i16 loc(#loc)
          %81 = "arith.extsi"(%79) : (i16) -> i17 loc(#loc)
          %82 = "arith.extui"(%80) : (i16) -> i17 loc(#loc)
          %83 = "arith.addi"(%81, %82) <{overflowFlags = #arith.overflow<none>}> : (i17, i17) -> i17 loc(#loc)
          %84 = "arith.trunci"(%83) <{overflowFlags = #arith.overflow<none>}> : (i17) -> i16 loc(#loc)
          %85 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "triple"} : () -> memref<i16> loc(#loc)
          "affine.store"(%84, %85) <{map = #map6}> {to = "triple"} : (i16, memref<i16>) -> () loc(#loc)
          %86 = "affine.load"(%85) <{map = #map6}> {from = "triple"} : (memref<i16>) -> i16 loc(#loc)
          %87 = "arith.shrsi"(%86, %45) : (i16, i16) -> i16 loc(#loc)
          %88 = "arith.extsi"(%87) : (i16) -> i33 loc(#loc)
          %89 = "arith.subi"(%88, %44) <{overflowFlags = #arith.overflow<none>}> : (i33, i33) -> i33 loc(#loc)
          %90 = "arith.trunci"(%89) <{overflowFlags = #arith.overflow<none>}> : (i33) -> i16 loc(#loc)
          "affine.store"(%90, %78) <{map = #map6}> {to = "trit"} : (i16, memref<i16>) -> () loc(#loc)
          %91 = "affine.load"(%85) <{map = #map6}> {from = "triple"} : (memref<i16>) -> i16 loc(#loc)
          %92 = "arith.extsi"(%91) : (i16) -> i32 loc(#loc)
          %93 = "arith.andi"(%92, %51) : (i32, i32) -> i32 loc(#loc)
          %94 = "arith.trunci"(%93) <{overflowFlags = #arith.overflow<none>}> : (i32) -> i16 loc(#loc)
          "affine.store"(%94, %77) <{map = #map6}> {to = "byte"} : (i16, memref<i16>) -> () loc(#loc)
          %95 = "affine.load"(%78) <{map = #map6}> {from = "trit"} : (memref<i16>) -> i16 loc(#loc)
          %96 = "arith.extsi"(%95) : (i16) -> i32 loc(#loc)
          %97 = "arith.cmpi"(%96, %49) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc)
          %98 = "affine.load"(%75) <{map = #map6}> {from = "code"} : (memref<i16>) -> i16 loc(#loc)
          %99 = "arith.extsi"(%98) : (i16) -> i32 loc(#loc)
          %100 = "arith.select"(%97, %99, %50) : (i1, i32, i32) -> i32 loc(#loc)
          %101 = "arith.trunci"(%100) <{overflowFlags = #arith.overflow<none>}> : (i32) -> i16 loc(#loc)
          %102 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "added"} : () -> memref<i16> loc(#loc)
          "affine.store"(%101, %102) <{map = #map6}> {to = "added"} : (i16, memref<i16>) -> () loc(#loc)
          %103 = "affine.load"(%78) <{map = #map6}> {from = "trit"} : (memref<i16>) -> i16 loc(#loc)
          %104 = "arith.extsi"(%103) : (i16) -> i32 loc(#loc)
          %105 = "arith.cmpi"(%104, %43) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc)
          %106 = "affine.load"(%75) <{map = #map6}> {from = "code"} : (memref<i16>) -> i16 loc(#loc)
          %107 = "arith.subi"(%48, %106) <{overflowFlags = #arith.overflow<none>}> : (i16, i16) -> i16 loc(#loc)
          %108 = "affine.load"(%102) <{map = #map6}> {from = "added"} : (memref<i16>) -> i16 loc(#loc)
          %109 = "arith.select"(%105, %107, %108) : (i1, i16, i16) -> i16 loc(#loc)
          "affine.store"(%109, %53, %arg19, %arg17, %arg18) <{map = #map11}> {to = "tree"} : (i16, memref<5x64xi16, #map5>, index, index, index) -> () loc(#loc)
          "affine.yield"() : () -> () loc(#loc)
        }) {loop_name = "r", op_name = "S_r_2"} : () -> () loc(#loc)
        "affine.yield"() : () -> () loc(#loc)
      }) {loop_name = "e"} : () -> () loc(#loc)
      "affine.yield"() : () -> () loc(#loc)
    }) {loop_name = "k", op_name = "S_k_e_2"} : () -> () loc(#loc)
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map12}> ({
    ^bb0(%arg15: index loc(unknown)):
      "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map18}> ({
      ^bb0(%arg16: index loc(unknown)):
        %66 = "affine.load"(%53, %arg15, %arg16) <{map = #map15}> : (memref<5x64xi16, #map5>, index, index) -> i16 loc(#loc)
        %67 = "affine.load"(%53, %arg15, %arg16) <{map = #map16}> : (memref<5x64xi16, #map5>, index, index) -> i16 loc(#loc)
        %68 = "arith.extsi"(%66) : (i16) -> i17 loc(#loc)
        %69 = "arith.extsi"(%67) : (i16) -> i17 loc(#loc)
        %70 = "arith.addi"(%68, %69) <{overflowFlags = #arith.overflow<none>}> : (i17, i17) -> i17 loc(#loc)
        %71 = "arith.trunci"(%70) <{overflowFlags = #arith.overflow<none>}> : (i17) -> i16 loc(#loc)
        "affine.store"(%71, %53, %arg15, %arg16) <{map = #map17}> {to = "tree"} : (i16, memref<5x64xi16, #map5>, index, index) -> () loc(#loc)
        "affine.yield"() : () -> () loc(#loc)
      }) {loop_name = "n", op_name = "S_n_4"} : () -> () loc(#loc)
      %54 = "arith.cmpi"(%arg13, %50) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc)
      %55 = "affine.load"(%arg14, %arg15) <{map = #map}> {from = "sums"} : (memref<5xi16, #map3>, index) -> i16 loc(#loc)
      %56 = "arith.extsi"(%55) : (i16) -> i32 loc(#loc)
      %57 = "arith.select"(%54, %50, %56) : (i1, i32, i32) -> i32 loc(#loc)
      %58 = "arith.trunci"(%57) <{overflowFlags = #arith.overflow<none>}> : (i32) -> i16 loc(#loc)
      %59 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "before"} : () -> memref<i16> loc(#loc)
      "affine.store"(%58, %59) <{map = #map6}> {to = "before"} : (i16, memref<i16>) -> () loc(#loc)
      %60 = "affine.load"(%59) <{map = #map6}> {from = "before"} : (memref<i16>) -> i16 loc(#loc)
      %61 = "affine.load"(%53, %arg15) <{map = #map19}> {from = "tree"} : (memref<5x64xi16, #map5>, index) -> i16 loc(#loc)
      %62 = "arith.extsi"(%60) : (i16) -> i17 loc(#loc)
      %63 = "arith.extsi"(%61) : (i16) -> i17 loc(#loc)
      %64 = "arith.addi"(%62, %63) <{overflowFlags = #arith.overflow<none>}> : (i17, i17) -> i17 loc(#loc)
      %65 = "arith.trunci"(%64) <{overflowFlags = #arith.overflow<none>}> : (i17) -> i16 loc(#loc)
      "affine.store"(%65, %arg14, %arg15) <{map = #map}> {to = "sums"} : (i16, memref<5xi16, #map3>, index) -> () loc(#loc)
      "affine.yield"() : () -> () loc(#loc)
    }) {loop_name = "r", op_name = "S_r_4"} : () -> () loc(#loc)
    "func.return"() : () -> () loc(#loc)
  }) {itypes = "usss", otypes = ""} : () -> () loc(#loc)
  "func.func"() <{function_type = (memref<8x8x4xi8, #map4>, memref<192xi32>, !allo.stream<i128, 16>, !allo.stream<i128, 16>) -> (), sym_name = "multiply_0"}> ({
  ^bb0(%arg4: memref<8x8x4xi8, #map4> loc(unknown), %arg5: memref<192xi32> loc(unknown), %arg6: !allo.stream<i128, 16> loc(unknown), %arg7: !allo.stream<i128, 16> loc(unknown)):
    %2 = "arith.constant"() <{value = 1 : i33}> {name = "%c1_i33"} : () -> i33 loc(#loc)
    %3 = "arith.constant"() <{value = 234 : i33}> {name = "%c234_i33"} : () -> i33 loc(#loc)
    %4 = "arith.constant"() <{value = 5 : i32}> {name = "%c5_i32"} : () -> i32 loc(#loc)
    %5 = "arith.constant"() <{value = 6 : i32}> {name = "%c6_i32"} : () -> i32 loc(#loc)
    %6 = "arith.constant"() <{value = 192 : i32}> {name = "%c192_i32"} : () -> i32 loc(#loc)
    %7 = "arith.constant"() <{value = 0 : i32}> {name = "%c0_i32"} : () -> i32 loc(#loc)
    %8 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "word", unsigned} : () -> memref<2xi128, #map3> loc(#loc)
    %9 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "group"} : () -> memref<5xi16, #map3> loc(#loc)
    %10 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "leaving"} : () -> memref<5xi16, #map3> loc(#loc)
    %11 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "column"} : () -> memref<i32> loc(#loc)
    "affine.store"(%7, %11) <{map = #map6}> {to = "column"} : (i32, memref<i32>) -> () loc(#loc)
    %12 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "position"} : () -> memref<i32> loc(#loc)
    "affine.store"(%7, %12) <{map = #map6}> {to = "position"} : (i32, memref<i32>) -> () loc(#loc)
    %13 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "pending"} : () -> memref<i32> loc(#loc)
    "affine.store"(%7, %13) <{map = #map6}> {to = "pending"} : (i32, memref<i32>) -> () loc(#loc)
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map22}> ({
    ^bb0(%arg8: index loc(unknown)):
      %14 = "arith.index_cast"(%arg8) : (index) -> i33 loc(#loc)
      %15 = "arith.cmpi"(%14, %3) <{predicate = 2 : i64}> : (i33, i33) -> i1 loc(#loc)
      "scf.if"(%15) ({
        %41 = "allo.stream_get"(%arg6) <{indices = array<i64>}> {unsigned} : (!allo.stream<i128, 16>) -> i128 loc(#loc)
        "affine.store"(%41, %8) <{map = #map1}> {to = "word"} : (i128, memref<2xi128, #map3>) -> () loc(#loc)
        %42 = "allo.stream_get"(%arg7) <{indices = array<i64>}> {unsigned} : (!allo.stream<i128, 16>) -> i128 loc(#loc)
        "affine.store"(%42, %8) <{map = #map20}> {to = "word"} : (i128, memref<2xi128, #map3>) -> () loc(#loc)
        "scf.yield"() : () -> () loc(#loc)
      }, {
      }) : (i1) -> () loc(#loc)
      %16 = "affine.load"(%13) <{map = #map6}> {from = "pending"} : (memref<i32>) -> i32 loc(#loc)
      %17 = "arith.cmpi"(%16, %7) <{predicate = 4 : i64}> : (i32, i32) -> i1 loc(#loc)
      "scf.if"(%17) ({
        %26 = "affine.load"(%13) <{map = #map6}> {from = "pending"} : (memref<i32>) -> i32 loc(#loc)
        %27 = "arith.extsi"(%26) : (i32) -> i33 loc(#loc)
        %28 = "arith.subi"(%27, %2) <{overflowFlags = #arith.overflow<none>}> : (i33, i33) -> i33 loc(#loc)
        %29 = "arith.trunci"(%28) <{overflowFlags = #arith.overflow<none>}> : (i33) -> i32 loc(#loc)
        "affine.store"(%29, %13) <{map = #map6}> {to = "pending"} : (i32, memref<i32>) -> () loc(#loc)
        %30 = "affine.load"(%12) <{map = #map6}> {from = "position"} : (memref<i32>) -> i32 loc(#loc)
        %31 = "arith.cmpi"(%30, %6) <{predicate = 2 : i64}> : (i32, i32) -> i1 loc(#loc)
        "scf.if"(%31) ({
          %37 = "affine.load"(%10) <{map = #map1}> {from = "leaving"} : (memref<5xi16, #map3>) -> i16 loc(#loc)
          %38 = "arith.extsi"(%37) : (i16) -> i32 loc(#loc)
          %39 = "affine.load"(%12) <{map = #map6}> {from = "position"} : (memref<i32>) -> i32 loc(#loc)
          %40 = "arith.index_cast"(%39) : (i32) -> index loc(#loc)
          "memref.store"(%38, %arg5, %40) {to = "result"} : (i32, memref<192xi32>, index) -> () loc(#loc)
          "scf.yield"() : () -> () loc(#loc)
        }, {
        }) : (i1) -> () loc(#loc)
        %32 = "affine.load"(%12) <{map = #map6}> {from = "position"} : (memref<i32>) -> i32 loc(#loc)
        %33 = "arith.extsi"(%32) : (i32) -> i33 loc(#loc)
        %34 = "arith.addi"(%33, %2) <{overflowFlags = #arith.overflow<none>}> : (i33, i33) -> i33 loc(#loc)
        %35 = "arith.trunci"(%34) <{overflowFlags = #arith.overflow<none>}> : (i33) -> i32 loc(#loc)
        "affine.store"(%35, %12) <{map = #map6}> {to = "position"} : (i32, memref<i32>) -> () loc(#loc)
        "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map13}> ({
        ^bb0(%arg10: index loc(unknown)):
          %36 = "affine.load"(%10, %arg10) <{map = #map21}> {from = "leaving"} : (memref<5xi16, #map3>, index) -> i16 loc(#loc)
          "affine.store"(%36, %10, %arg10) <{map = #map}> {to = "leaving"} : (i16, memref<5xi16, #map3>, index) -> () loc(#loc)
          "affine.yield"() : () -> () loc(#loc)
        }) {loop_name = "r", op_name = "S_r_0"} : () -> () loc(#loc)
        "scf.yield"() : () -> () loc(#loc)
      }, {
      }) : (i1) -> () loc(#loc)
      %18 = "affine.load"(%11) <{map = #map6}> {from = "column"} : (memref<i32>) -> i32 loc(#loc)
      "func.call"(%8, %arg4, %18, %9) <{callee = @multiply_word}> : (memref<2xi128, #map3>, memref<8x8x4xi8, #map4>, i32, memref<5xi16, #map3>) -> () loc(#loc)
      %19 = "affine.load"(%11) <{map = #map6}> {from = "column"} : (memref<i32>) -> i32 loc(#loc)
      %20 = "arith.extsi"(%19) : (i32) -> i33 loc(#loc)
      %21 = "arith.addi"(%20, %2) <{overflowFlags = #arith.overflow<none>}> : (i33, i33) -> i33 loc(#loc)
      %22 = "arith.trunci"(%21) <{overflowFlags = #arith.overflow<none>}> : (i33) -> i32 loc(#loc)
      "affine.store"(%22, %11) <{map = #map6}> {to = "column"} : (i32, memref<i32>) -> () loc(#loc)
      %23 = "affine.load"(%11) <{map = #map6}> {from = "column"} : (memref<i32>) -> i32 loc(#loc)
      %24 = "arith.cmpi"(%23, %5) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc)
      "scf.if"(%24) ({
        "affine.store"(%7, %11) <{map = #map6}> {to = "column"} : (i32, memref<i32>) -> () loc(#loc)
        "affine.store"(%4, %13) <{map = #map6}> {to = "pending"} : (i32, memref<i32>) -> () loc(#loc)
        "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map12}> ({
        ^bb0(%arg9: index loc(unknown)):
          %25 = "affine.load"(%9, %arg9) <{map = #map}> {from = "group"} : (memref<5xi16, #map3>, index) -> i16 loc(#loc)
          "affine.store"(%25, %10, %arg9) <{map = #map}> {to = "leaving"} : (i16, memref<5xi16, #map3>, index) -> () loc(#loc)
          "affine.yield"() : () -> () loc(#loc)
        }) {loop_name = "r", op_name = "S_r_1"} : () -> () loc(#loc)
        "scf.yield"() : () -> () loc(#loc)
      }, {
      }) : (i1) -> () loc(#loc)
      "affine.yield"() : () -> () loc(#loc)
    }) {loop_name = "n", op_name = "S_n_0", pipeline_ii = 1 : ui32} : () -> () loc(#loc)
    "func.return"() : () -> () loc(#loc3)
  }) {df.kernel, itypes = "ssuu", otypes = "", stypes = "__ii"} : () -> () loc(#loc)
  "func.func"() <{function_type = (memref<234xi128>, memref<234xi128>, memref<8x8x4xi8, #map4>, memref<192xi32>) -> (), sym_name = "ternary_matvec"}> ({
  ^bb0(%arg0: memref<234xi128> loc(unknown), %arg1: memref<234xi128> loc(unknown), %arg2: memref<8x8x4xi8, #map4> loc(unknown), %arg3: memref<192xi32> loc(unknown)):
    %0 = "allo.stream_construct"() {name = "trits_0", unsigned} : () -> !allo.stream<i128, 16> loc(#loc4)
    %1 = "allo.stream_construct"() {name = "trits_1", unsigned} : () -> !allo.stream<i128, 16> loc(#loc5)
    "func.call"(%arg0, %0) <{callee = @load_0_0}> : (memref<234xi128>, !allo.stream<i128, 16>) -> () loc(#loc)
    "func.call"(%arg1, %1) <{callee = @load_1_0}> : (memref<234xi128>, !allo.stream<i128, 16>) -> () loc(#loc)
    "func.call"(%arg2, %arg3, %0, %1) <{callee = @multiply_0}> {last} : (memref<8x8x4xi8, #map4>, memref<192xi32>, !allo.stream<i128, 16>, !allo.stream<i128, 16>) -> () loc(#loc)
    "func.return"() : () -> () loc(#loc)
  }) {dataflow, itypes = "uuss"} : () -> () loc(#loc)
}) : () -> () loc(#loc)
#loc1 = loc("allo/dataflow.py":92:4)
#loc2 = loc("allo/dataflow.py":97:4)
#loc3 = loc("allo/dataflow.py":112:4)
#loc4 = loc("allo/dataflow.py":86:4)
#loc5 = loc("allo/dataflow.py":87:4)
