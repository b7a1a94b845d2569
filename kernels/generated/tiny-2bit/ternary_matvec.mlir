#loc = loc(unknown)
#map = affine_map<(d0) -> (d0)>
#map1 = affine_map<() -> (0)>
#map2 = affine_map<() -> (576)>
#map3 = affine_map<(d0) -> (d0, 0)>
#map4 = affine_map<(d0, d1, d2) -> (0, d1, d2, d0, 0, 0)>
#map5 = affine_map<(d0, d1) -> (d0, d1, 0, 0)>
#map6 = affine_map<() -> ()>
#map7 = affine_map<(d0, d1) -> (d0 * 16 + d1)>
#map8 = affine_map<() -> (16)>
#map9 = affine_map<() -> (1)>
#map10 = affine_map<(d0, d1) -> (d0 * 4 + d1)>
#map11 = affine_map<(d0, d1, d2) -> (d0, d1 * 4 + d2 + 16)>
#map12 = affine_map<() -> (4)>
#map13 = affine_map<(d0, d1) -> (d0, d1 * -2 + 30)>
#map14 = affine_map<(d0, d1) -> (d0, d1 * -2 + 31)>
#map15 = affine_map<(d0, d1) -> (d0, -d1 + 15)>
#map16 = affine_map<() -> (15)>
#map17 = affine_map<(d0) -> (d0, 1)>
#map18 = affine_map<(d0) -> (d0 + 1)>
#map19 = affine_map<() -> (3)>
#map20 = affine_map<() -> (580)>
"builtin.module"() ({
  "func.func"() <{function_type = (memref<576xi128>, !allo.stream<i128, 16>) -> (), sym_name = "load_0_0"}> ({
  ^bb0(%arg20: memref<576xi128> loc(unknown), %arg21: !allo.stream<i128, 16> loc(unknown)):
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map2}> ({
    ^bb0(%arg22: index loc(unknown)):
      %117 = "affine.load"(%arg20, %arg22) <{map = #map}> {from = "memory", unsigned} : (memref<576xi128>, index) -> i128 loc(#loc)
      "allo.stream_put"(%arg21, %117) <{indices = array<i64>}> {unsigned} : (!allo.stream<i128, 16>, i128) -> () loc(#loc)
      "affine.yield"() : () -> () loc(#loc)
    }) {loop_name = "n", op_name = "S_n_0", pipeline_ii = 1 : ui32} : () -> () loc(#loc)
    "func.return"() : () -> () loc(#loc1)
  }) {df.kernel, itypes = "uu", otypes = "", stypes = "_o"} : () -> () loc(#loc)
  "func.func"() <{function_type = (memref<1xi128, #map3>, memref<16x4x4xi8, #map4>, i32, memref<4xi16, #map3>) -> (), sym_name = "multiply_word"}> ({
  ^bb0(%arg9: memref<1xi128, #map3> loc(unknown), %arg10: memref<16x4x4xi8, #map4> loc(unknown), %arg11: i32 loc(unknown), %arg12: memref<4xi16, #map3> loc(unknown)):
    %41 = "arith.constant"() <{value = -1 : i32}> {name = "%c-1_i32"} : () -> i32 loc(#loc)
    %42 = "arith.constant"() <{value = 2 : i16}> {name = "%c2_i16"} : () -> i16 loc(#loc)
    %43 = "arith.constant"() <{value = 2 : i33}> {name = "%c2_i33"} : () -> i33 loc(#loc)
    %44 = "arith.constant"() <{value = 8 : i128}> {name = "%c8_i128"} : () -> i128 loc(#loc)
    %45 = "arith.constant"() <{value = 0 : i16}> {name = "%c0_i16"} : () -> i16 loc(#loc)
    %46 = "arith.constant"() <{value = 1 : i32}> {name = "%c1_i32"} : () -> i32 loc(#loc)
    %47 = "arith.constant"() <{value = 2 : i32}> {name = "%c2_i32"} : () -> i32 loc(#loc)
    %48 = "arith.constant"() <{value = 3 : i32}> {name = "%c3_i32"} : () -> i32 loc(#loc)
    %49 = "arith.constant"() <{value = 0 : i32}> {name = "%c0_i32"} : () -> i32 loc(#loc)
    %50 = "arith.constant"() <{value = 255 : i32}> {name = "%c255_i32"} : () -> i32 loc(#loc)
    %51 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "lanes"} : () -> memref<16xi16, #map3> loc(#loc)
    %52 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "tree"} : () -> memref<4x32xi16, #map5> loc(#loc)
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map9}> ({
    ^bb0(%arg18: index loc(unknown)):
      %106 = "affine.load"(%arg9, %arg18) <{map = #map}> {from = "word", unsigned} : (memref<1xi128, #map3>, index) -> i128 loc(#loc)
      %107 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "rest", unsigned} : () -> memref<i128> loc(#loc)
      "affine.store"(%106, %107) <{map = #map6}> {to = "rest"} : (i128, memref<i128>) -> () loc(#loc)
      "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map8}> ({
      ^bb0(%arg19: index loc(unknown)):
        %108 = "affine.load"(%107) <{map = #map6}> {from = "rest"} : (memref<i128>) -> i128 loc(#loc)
        %109 = "arith.trunci"(%108) <{overflowFlags = #arith.overflow<none>}> : (i128) -> i16 loc(#loc)
        %110 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "low"} : () -> memref<i16> loc(#loc)
        "affine.store"(%109, %110) <{map = #map6}> {to = "low"} : (i16, memref<i16>) -> () loc(#loc)
        %111 = "affine.load"(%110) <{map = #map6}> {from = "low"} : (memref<i16>) -> i16 loc(#loc)
        %112 = "arith.extsi"(%111) : (i16) -> i32 loc(#loc)
        %113 = "arith.andi"(%112, %50) : (i32, i32) -> i32 loc(#loc)
        %114 = "arith.trunci"(%113) <{overflowFlags = #arith.overflow<none>}> : (i32) -> i16 loc(#loc)
        "affine.store"(%114, %51, %arg18, %arg19) <{map = #map7}> {to = "lanes"} : (i16, memref<16xi16, #map3>, index, index) -> () loc(#loc)
        %115 = "affine.load"(%107) <{map = #map6}> {from = "rest"} : (memref<i128>) -> i128 loc(#loc)
        %116 = "arith.shrui"(%115, %44) {unsigned} : (i128, i128) -> i128 loc(#loc)
        "affine.store"(%116, %107) <{map = #map6}> {to = "rest"} : (i128, memref<i128>) -> () loc(#loc)
        "affine.yield"() : () -> () loc(#loc)
      }) {loop_name = "j", op_name = "S_j_0"} : () -> () loc(#loc)
      "affine.yield"() : () -> () loc(#loc)
    }) {loop_name = "p", op_name = "S_p_0"} : () -> () loc(#loc)
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map12}> ({
    ^bb0(%arg15: index loc(unknown)):
      "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map12}> ({
      ^bb0(%arg16: index loc(unknown)):
        %71 = "arith.index_cast"(%arg11) : (i32) -> index loc(#loc)
        %72 = "memref.load"(%arg10, %71, %arg15, %arg16) {from = "codes"} : (memref<16x4x4xi8, #map4>, index, index, index) -> i8 loc(#loc)
        %73 = "arith.extsi"(%72) : (i8) -> i16 loc(#loc)
        %74 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "code"} : () -> memref<i16> loc(#loc)
        "affine.store"(%73, %74) <{map = #map6}> {to = "code"} : (i16, memref<i16>) -> () loc(#loc)
        %75 = "affine.load"(%51, %arg15, %arg16) <{map = #map10}> {from = "lanes"} : (memref<16xi16, #map3>, index, index) -> i16 loc(#loc)
        %76 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "byte"} : () -> memref<i16> loc(#loc)
        "affine.store"(%75, %76) <{map = #map6}> {to = "byte"} : (i16, memref<i16>) -> () loc(#loc)
        "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map12}> ({
        ^bb0(%arg17: index loc(unknown)):
          %77 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "trit"} : () -> memref<i16> loc(#loc)
          "affine.store"(%45, %77) <{map = #map6}> {to = "trit"} : (i16, memref<i16>) -> () loc(#loc)
          %78 = "affine.load"(%76) <{map = #map6}> {from = "byte"} : (memref<i16>) -> i16 loc(#loc)
          %79 = "arith.extsi"(%78) : (i16) -> i32 loc(#loc)
          %80 = "arith.andi"(%79, %48) : (i32, i32) -> i32 loc(#loc)
          %81 = "arith.trunci"(%80) <{overflowFlags = #arith.overflow<none>}> : (i32) -> i16 loc(#loc)
          %82 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "pair"} : () -> memref<i16> loc(#loc)
          "affine.store"(%81, %82) <{map = #map6}> {to = "pair"} : (i16, memref<i16>) -> () loc(#loc)
          %83 = "affine.load"(%82) <{map = #map6}> {from = "pair"} : (memref<i16>) -> i16 loc(#loc)
          %84 = "arith.extsi"(%83) : (i16) -> i32 loc(#loc)
          %85 = "arith.xori"(%84, %47) : (i32, i32) -> i32 loc(#loc)
          %86 = "arith.extsi"(%85) : (i32) -> i33 loc(#loc)
          %87 = "arith.subi"(%86, %43) <{overflowFlags = #arith.overflow<none>}> : (i33, i33) -> i33 loc(#loc)
          %88 = "arith.trunci"(%87) <{overflowFlags = #arith.overflow<none>}> : (i33) -> i16 loc(#loc)
          "affine.store"(%88, %77) <{map = #map6}> {to = "trit"} : (i16, memref<i16>) -> () loc(#loc)
          %89 = "affine.load"(%76) <{map = #map6}> {from = "byte"} : (memref<i16>) -> i16 loc(#loc)
          %90 = "arith.shrsi"(%89, %42) : (i16, i16) -> i16 loc(#loc)
          "affine.store"(%90, %76) <{map = #map6}> {to = "byte"} : (i16, memref<i16>) -> () loc(#loc)
          %91 = "affine.load"(%77) <{map = #map6}> {from = "trit"} : (memref<i16>) -> i16 loc(#loc)
          %92 = "arith.extsi"(%91) : (i16) -> i32 loc(#loc)
          %93 = "arith.cmpi"(%92, %46) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc)
          %94 = "affine.load"(%74) <{map = #map6}> {from = "code"} : (memref<i16>) -> i16 loc(#loc)
          %95 = "arith.extsi"(%94) : (i16) -> i32 loc(#loc)
          %96 = "arith.select"(%93, %95, %49) : (i1, i32, i32) -> i32 loc(#loc)
          %97 = "arith.trunci"(%96) <{overflowFlags = #arith.overflow<none>}> : (i32) -> i16 loc(#loc)
          %98 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "added"} : () -> memref<i16> loc(#loc)
          "affine.store"(%97, %98) <{map = #map6}> {to = "added"} : (i16, memref<i16>) -> () loc(#loc)
          %99 = "affine.load"(%77) <{map = #map6}> {from = "trit"} : (memref<i16>) -> i16 loc(#loc)
          %100 = "arith.extsi"(%99) : (i16) -> i32 loc(#loc)
          %101 = "arith.cmpi"(%100, %41) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc)
          %102 = "affine.load"(%74) <{map = #map6}> {from = "code"} : (memref<i16>) -> i16 loc(#loc)
          %103 = "arith.subi"(%45, %102) <{overflowFlags = #arith.overflow<none>}> : (i16, i16) -> i16 loc(#loc)
          %104 = "affine.load"(%98) <{map = #map6}> {from = "added"} : (memref<i16>) -> i16 loc(#loc)
          %105 = "arith.select"(%101, %103, %104) : (i1, i16, i16) -> i16 loc(#loc)
          "affine.store"(%105, %52, %arg17, %arg15, %arg16) <{map = #map11}> {to = "tree"} : (i16, memref<4x32xi16, #map5>, index, index, index) -> () loc(#loc)
          "affine.yield"() : () -> () loc(#loc)
        }) {loop_name = "r", op_name = "S_r_2"} : () -> () loc(#loc)
        "affine.yield"() : () -> () loc(#loc)
      }) {loop_name = "e"} : () -> () loc(#loc)
      "affine.yield"() : () -> () loc(#loc)
    }) {loop_name = "k", op_name = "S_k_e_2"} : () -> () loc(#loc)
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map12}> ({
    ^bb0(%arg13: index loc(unknown)):
      "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map16}> ({
      ^bb0(%arg14: index loc(unknown)):
        %65 = "affine.load"(%52, %arg13, %arg14) <{map = #map13}> : (memref<4x32xi16, #map5>, index, index) -> i16 loc(#loc)
        %66 = "affine.load"(%52, %arg13, %arg14) <{map = #map14}> : (memref<4x32xi16, #map5>, index, index) -> i16 loc(#loc)
        %67 = "arith.extsi"(%65) : (i16) -> i17 loc(#loc)
        %68 = "arith.extsi"(%66) : (i16) -> i17 loc(#loc)
        %69 = "arith.addi"(%67, %68) <{overflowFlags = #arith.overflow<none>}> : (i17, i17) -> i17 loc(#loc)
        %70 = "arith.trunci"(%69) <{overflowFlags = #arith.overflow<none>}> : (i17) -> i16 loc(#loc)
        "affine.store"(%70, %52, %arg13, %arg14) <{map = #map15}> {to = "tree"} : (i16, memref<4x32xi16, #map5>, index, index) -> () loc(#loc)
        "affine.yield"() : () -> () loc(#loc)
      }) {loop_name = "n", op_name = "S_n_4"} : () -> () loc(#loc)
      %53 = "arith.cmpi"(%arg11, %49) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc)
      %54 = "affine.load"(%arg12, %arg13) <{map = #map}> {from = "sums"} : (memref<4xi16, #map3>, index) -> i16 loc(#loc)
      %55 = "arith.extsi"(%54) : (i16) -> i32 loc(#loc)
      %56 = "arith.select"(%53, %49, %55) : (i1, i32, i32) -> i32 loc(#loc)
      %57 = "arith.trunci"(%56) <{overflowFlags = #arith.overflow<none>}> : (i32) -> i16 loc(#loc)
      %58 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "before"} : () -> memref<i16> loc(#loc)
      "affine.store"(%57, %58) <{map = #map6}> {to = "before"} : (i16, memref<i16>) -> () loc(#loc)
      %59 = "affine.load"(%58) <{map = #map6}> {from = "before"} : (memref<i16>) -> i16 loc(#loc)
      %60 = "affine.load"(%52, %arg13) <{map = #map17}> {from = "tree"} : (memref<4x32xi16, #map5>, index) -> i16 loc(#loc)
      %61 = "arith.extsi"(%59) : (i16) -> i17 loc(#loc)
      %62 = "arith.extsi"(%60) : (i16) -> i17 loc(#loc)
      %63 = "arith.addi"(%61, %62) <{overflowFlags = #arith.overflow<none>}> : (i17, i17) -> i17 loc(#loc)
      %64 = "arith.trunci"(%63) <{overflowFlags = #arith.overflow<none>}> : (i17) -> i16 loc(#loc)
      "affine.store"(%64, %arg12, %arg13) <{map = #map}> {to = "sums"} : (i16, memref<4xi16, #map3>, index) -> () loc(#loc)
      "affine.yield"() : () -> () loc(#loc)
    }) {loop_name = "r", op_name = "S_r_4"} : () -> () loc(#loc)
    "func.return"() : () -> () loc(#loc)
  }) {itypes = "usss", otypes = ""} : () -> () loc(#loc)
  "func.func"() <{function_type = (memref<16x4x4xi8, #map4>, memref<192xi32>, !allo.stream<i128, 16>) -> (), sym_name = "multiply_0"}> ({
  ^bb0(%arg3: memref<16x4x4xi8, #map4> loc(unknown), %arg4: memref<192xi32> loc(unknown), %arg5: !allo.stream<i128, 16> loc(unknown)):
    %1 = "arith.constant"() <{value = 1 : i33}> {name = "%c1_i33"} : () -> i33 loc(#loc)
    %2 = "arith.constant"() <{value = 576 : i33}> {name = "%c576_i33"} : () -> i33 loc(#loc)
    %3 = "arith.constant"() <{value = 4 : i32}> {name = "%c4_i32"} : () -> i32 loc(#loc)
    %4 = "arith.constant"() <{value = 12 : i32}> {name = "%c12_i32"} : () -> i32 loc(#loc)
    %5 = "arith.constant"() <{value = 192 : i32}> {name = "%c192_i32"} : () -> i32 loc(#loc)
    %6 = "arith.constant"() <{value = 0 : i32}> {name = "%c0_i32"} : () -> i32 loc(#loc)
    %7 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "word", unsigned} : () -> memref<1xi128, #map3> loc(#loc)
    %8 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "group"} : () -> memref<4xi16, #map3> loc(#loc)
    %9 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "leaving"} : () -> memref<4xi16, #map3> loc(#loc)
    %10 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "column"} : () -> memref<i32> loc(#loc)
    "affine.store"(%6, %10) <{map = #map6}> {to = "column"} : (i32, memref<i32>) -> () loc(#loc)
    %11 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "position"} : () -> memref<i32> loc(#loc)
    "affine.store"(%6, %11) <{map = #map6}> {to = "position"} : (i32, memref<i32>) -> () loc(#loc)
    %12 = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "pending"} : () -> memref<i32> loc(#loc)
    "affine.store"(%6, %12) <{map = #map6}> {to = "pending"} : (i32, memref<i32>) -> () loc(#loc)
    "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map20}> ({
    ^bb0(%arg6: index loc(unknown)):
      %13 = "arith.index_cast"(%arg6) : (index) -> i33 loc(#loc)
      %14 = "arith.cmpi"(%13, %2) <{predicate = 2 : i64}> : (i33, i33) -> i1 loc(#loc)
      "scf.if"(%14) ({
        %40 = "allo.stream_get"(%arg5) <{indices = array<i64>}> {unsigned} : (!allo.stream<i128, 16>) -> i128 loc(#loc)
        "affine.store"(%40, %7) <{map = #map1}> {to = "word"} : (i128, memref<1xi128, #map3>) -> () loc(#loc)
        "scf.yield"() : () -> () loc(#loc)
      }, {
      }) : (i1) -> () loc(#loc)
      %15 = "affine.load"(%12) <{map = #map6}> {from = "pending"} : (memref<i32>) -> i32 loc(#loc)
      %16 = "arith.cmpi"(%15, %6) <{predicate = 4 : i64}> : (i32, i32) -> i1 loc(#loc)
      "scf.if"(%16) ({
        %25 = "affine.load"(%12) <{map = #map6}> {from = "pending"} : (memref<i32>) -> i32 loc(#loc)
        %26 = "arith.extsi"(%25) : (i32) -> i33 loc(#loc)
        %27 = "arith.subi"(%26, %1) <{overflowFlags = #arith.overflow<none>}> : (i33, i33) -> i33 loc(#loc)
        %28 = "arith.trunci"(%27) <{overflowFlags = #arith.overflow<none>}> : (i33) -> i32 loc(#loc)
        "affine.store"(%28, %12) <{map = #map6}> {to = "pending"} : (i32, memref<i32>) -> () loc(#loc)
        %29 = "affine.load"(%11) <{map = #map6}> {from = "position"} : (memref<i32>) -> i32 loc(#loc)
        %30 = "arith.cmpi"(%29, %5) <{predicate = 2 : i64}> : (i32, i32) -> i1 loc(#loc)
        "scf.if"(%30) ({
          %36 = "affine.load"(%9) <{map = #map1}> {from = "leaving"} : (memref<4xi16, #map3>) -> i16 loc(#loc)
          %37 = "arith.extsi"(%36) : (i16) -> i32 loc(#loc)
          %38 = "affine.load"(%11) <{map = #map6}> {from = "position"} : (memref<i32>) -> i32 loc(#loc)
          %39 = "arith.index_cast"(%38) : (i32) -> index loc(#loc)
          "memref.store"(%37, %arg4, %39) {to = "result"} : (i32, memref<192xi32>, index) -> () loc(#loc)
          "scf.yield"() : () -> () loc(#loc)
        }, {
        }) : (i1) -> () loc(#loc)
        %31 = "affine.load"(%11) <{map = #map6}> {from = "position"} : (memref<i32>) -> i32 loc(#loc)
        %32 = "arith.extsi"(%31) : (i32) -> i33 loc(#loc)
        %33 = "arith.addi"(%32, %1) <{overflowFlags = #arith.overflow<none>}> : (i33, i33) -> i33 loc(#loc)
        %34 = "arith.trunci"(%33) <{overflowFlags = #arith.overflow<none>}> : (i33) -> i32 loc(#loc)
        "affine.store"(%34, %11) <{map = #map6}> {to = "position"} : (i32, memref<i32>) -> () loc(#loc)
        "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map19}> ({
        ^bb0(%arg8: index loc(unknown)):
          %35 = "affine.load"(%9, %arg8) <{map = #map18}> {from = "leaving"} : (memref<4xi16, #map3>, index) -> i16 loc(#loc)
          "affine.store"(%35, %9, %arg8) <{map = #map}> {to = "leaving"} : (i16, memref<4xi16, #map3>, index) -> () loc(#loc)
          "affine.yield"() : () -> () loc(#loc)
        }) {loop_name = "r", op_name = "S_r_0"} : () -> () loc(#loc)
        "scf.yield"() : () -> () loc(#loc)
      }, {
      }) : (i1) -> () loc(#loc)
      %17 = "affine.load"(%10) <{map = #map6}> {from = "column"} : (memref<i32>) -> i32 loc(#loc)
      "func.call"(%7, %arg3, %17, %8) <{callee = @multiply_word}> : (memref<1xi128, #map3>, memref<16x4x4xi8, #map4>, i32, memref<4xi16, #map3>) -> () loc(#loc)
      %18 = "affine.load"(%10) <{map = #map6}> {from = "column"} : (memref<i32>) -> i32 loc(#loc)
      %19 = "arith.extsi"(%18) : (i32) -> i33 loc(#loc)
      %20 = "arith.addi"(%19, %1) <{overflowFlags = #arith.overflow<none>}> : (i33, i33) -> i33 loc(#loc)
      %21 = "arith.trunci"(%20) <{overflowFlags = #arith.overflow<none>}> : (i33) -> i32 loc(#loc)
      "affine.store"(%21, %10) <{map = #map6}> {to = "column"} : (i32, memref<i32>) -> () loc(#loc)
      %22 = "affine.load"(%10) <{map = #map6}> {from = "column"} : (memref<i32>) -> i32 loc(#loc)
      %23 = "arith.cmpi"(%22, %4) <{predicate = 0 : i64}> : (i32, i32) -> i1 loc(#loc)
      "scf.if"(%23) ({
        "affine.store"(%6, %10) <{map = #map6}> {to = "column"} : (i32, memref<i32>) -> () loc(#loc)
        "affine.store"(%3, %12) <{map = #map6}> {to = "pending"} : (i32, memref<i32>) -> () loc(#loc)
        "affine.for"() <{lowerBoundMap = #map1, operandSegmentSizes = array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = #map12}> ({
        ^bb0(%arg7: index loc(unknown)):
          %24 = "affine.load"(%8, %arg7) <{map = #map}> {from = "group"} : (memref<4xi16, #map3>, index) -> i16 loc(#loc)
          "affine.store"(%24, %9, %arg7) <{map = #map}> {to = "leaving"} : (i16, memref<4xi16, #map3>, index) -> () loc(#loc)
          "affine.yield"() : () -> () loc(#loc)
        }) {loop_name = "r", op_name = "S_r_1"} : () -> () loc(#loc)
        "scf.yield"() : () -> () loc(#loc)
      }, {
      }) : (i1) -> () loc(#loc)
      "affine.yield"() : () -> () loc(#loc)
    }) {loop_name = "n", op_name = "S_n_0", pipeline_ii = 1 : ui32} : () -> () loc(#loc)
    "func.return"() : () -> () loc(#loc2)
  }) {df.kernel, itypes = "ssu", otypes = "", stypes = "__i"} : () -> () loc(#loc)
  "func.func"() <{function_type = (memref<576xi128>, memref<16x4x4xi8, #map4>, memref<192xi32>) -> (), sym_name = "ternary_matvec"}> ({
  ^bb0(%arg0: memref<576xi128> loc(unknown), %arg1: memref<16x4x4xi8, #map4> loc(unknown), %arg2: memref<192xi32> loc(unknown)):
    %0 = "allo.stream_construct"() {name = "trits_0", unsigned} : () -> !allo.stream<i128, 16> loc(#loc3)
    "func.call"(%arg0, %0) <{callee = @load_0_0}> : (memref<576xi128>, !allo.stream<i128, 16>) -> () loc(#loc)
    "func.call"(%arg1, %arg2, %0) <{callee = @multiply_0}> {last} : (memref<16x4x4xi8, #map4>, memref<192xi32>, !allo.stream<i128, 16>) -> () loc(#loc)
    "func.return"() : () -> () loc(#loc)
  }) {dataflow, itypes = "uss"} : () -> () loc(#loc)
}) : () -> () loc(#loc)
#loc1 = loc("allo/dataflow.py":92:4)
#loc2 = loc("allo/dataflow.py":112:4)
#loc3 = loc("allo/dataflow.py":86:4)
