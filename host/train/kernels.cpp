// Fused element-wise passes of one training step of the network in fused.py.
//
// Rows are tokens, n = b * T + t (b: lane, t: position). The mat-muls stay with torch; each pass
// here reads a mat-mul's accumulator and leaves what the next mat-mul wants. Conventions:
//
//   acc       accumulator of codes @ trits^T, A = float or bfloat16
//   sx, sw    per-token and per-matrix scale: a projection's value is acc * sx * sw
//   G         gradient of a projection times sx. Then dW = G^T @ codes, and
//             R = G @ trits gives the gradient of the quantised input as R * sw / sx.
//
// The quantisers pass the gradient straight through (straight-through estimator).
//
// Registered as operators torch.ops.tritstream_train.*: that needs no Python headers, and torch calls
// operators without the interpreter lock, so that several Python threads each run their own lanes.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

#include <cmath>
#include <cstring>
#include <tuple>
#include <vector>

using at::Tensor;
using OptionalTensor = std::optional<at::Tensor>;
using Tensors = std::vector<at::Tensor>;
using List = at::TensorList;
using Scales = at::ArrayRef<double>;
using bf16 = at::BFloat16;

namespace {

constexpr float BITLINEAR_EPS = 1e-6f;
constexpr float MIN_ABSMAX = 1e-5f;

inline float load(const float* p) { return *p; }
inline float load(const bf16* p) {
  uint32_t bits = static_cast<uint32_t>(p->x) << 16;
  float out;
  std::memcpy(&out, &bits, 4);
  return out;
}
inline void store(float* p, float v) { *p = v; }
inline void store(bf16* p, float v) {  // round to nearest even; no NaN reaches this point
  uint32_t bits;
  std::memcpy(&bits, &v, 4);
  p->x = static_cast<uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}
inline float sigmoid(float x) {
  x = x < -80.f ? -80.f : x;  // expf stays finite, so that the loop vectorises without a branch
  return 1.f / (1.f + std::exp(-x));
}

// Dropout of element d of row n: 0 or 1 / (1 - p). A hash of place and seed (lowbias32 by C. Wellons),
// so that the backward pass and model.py find the same mask.
struct Dropout {
  uint32_t seed, below;
  float kept;
  Dropout(double p, int64_t s)
      : seed(static_cast<uint32_t>(s)), below(static_cast<uint32_t>(p * 4294967296.0)),
        kept(static_cast<float>(1.0 / (1.0 - p))) {}
  inline float operator()(uint32_t place) const {
    uint32_t h = place * 0x9E3779B9u + seed;
    h ^= h >> 16;
    h *= 0x7FEB352Du;
    h ^= h >> 15;
    h *= 0x846CA68Bu;
    h ^= h >> 16;
    return h >= below ? kept : 0.f;
  }
};

template <typename T> T* ptr(const Tensor& t) { return t.data_ptr<T>(); }
float* optional_ptr(const OptionalTensor& t) { return t ? t->data_ptr<float>() : nullptr; }

// codes = round(127 * v / absmax(v)) for v = n * w * r, and the scale absmax / 127.
template <typename A>
inline float quantise_row(const float* n, const float* w, float r, A* codes, int64_t D) {
  float m = 0.f;
#pragma omp simd reduction(max : m)
  for (int64_t d = 0; d < D; ++d) { float v = std::fabs(n[d] * w[d]); m = v > m ? v : m; }
  float absmax = m * r > MIN_ABSMAX ? m * r : MIN_ABSMAX;
  float q = r * (127.f / absmax);
#pragma omp simd
  for (int64_t d = 0; d < D; ++d) store(codes + d, std::nearbyint(n[d] * w[d] * q));
  return absmax / 127.f;
}

// x' = x + dropout(acc * sx * sw); n = rms(x'; w1, eps); K times quant8(rms(n; w2_k)).
template <typename A>
Tensors norm_quant(const Tensor& x, const OptionalTensor& acc, const OptionalTensor& sx, double sw,
                               const Tensor& w1, List w2, double eps, double p, int64_t seed) {
  int64_t N = x.size(0), D = x.size(1), K = w2.size();
  auto type = std::is_same<A, float>::value ? at::kFloat : at::kBFloat16;
  Tensor xo = acc ? at::empty_like(x) : x;
  Tensor r1 = at::empty({N}, x.options()), r2 = at::empty({N}, x.options());
  Tensors codes, scales;
  for (int64_t k = 0; k < K; ++k) {
    codes.push_back(at::empty({N, D}, x.options().dtype(type)));
    scales.push_back(at::empty({N}, x.options()));
  }
  Dropout dropout(p, seed);
  at::parallel_for(0, N, 64, [&](int64_t lo, int64_t hi) {
    std::vector<float> n(D);
    const float* w1p = ptr<float>(w1);
    for (int64_t row = lo; row < hi; ++row) {
      float* xr = ptr<float>(xo) + row * D;
      if (acc) {
        const A* a = ptr<A>(*acc) + row * D;
        const float* xi = ptr<float>(x) + row * D;
        float s = ptr<float>(*sx)[row] * static_cast<float>(sw);
        if (p > 0) {
#pragma omp simd
          for (int64_t d = 0; d < D; ++d) xr[d] = xi[d] + load(a + d) * s * dropout(row * D + d);
        } else {
#pragma omp simd
          for (int64_t d = 0; d < D; ++d) xr[d] = xi[d] + load(a + d) * s;
        }
      }
      float ss = 0.f, ss2 = 0.f;
#pragma omp simd reduction(+ : ss)
      for (int64_t d = 0; d < D; ++d) ss += xr[d] * xr[d];
      float ra = 1.f / std::sqrt(ss / D + static_cast<float>(eps));
#pragma omp simd reduction(+ : ss2)
      for (int64_t d = 0; d < D; ++d) { float v = xr[d] * ra * w1p[d]; n[d] = v; ss2 += v * v; }
      float rb = 1.f / std::sqrt(ss2 / D + BITLINEAR_EPS);
      ptr<float>(r1)[row] = ra;
      ptr<float>(r2)[row] = rb;
      for (int64_t k = 0; k < K; ++k)
        ptr<float>(scales[k])[row] = quantise_row(n.data(), ptr<float>(w2[k]), rb, ptr<A>(codes[k]) + row * D, D);
    }
  });
  Tensors out{xo, r1, r2};
  for (auto& c : codes) out.push_back(c);
  for (auto& s : scales) out.push_back(s);
  return out;
}

// Backward of norm_quant. R_k, sx_k, sw_k belong to the K projections fed by it; dx_in is the
// gradient that reaches x' along the residual. Returns dx, [G of the residual's projection], dw1, dw2...
template <typename A>
Tensors norm_quant_backward(const Tensor& x, const Tensor& r1, const Tensor& r2, const Tensor& w1,
                                        List w2, List R,
                                        List sx, Scales sw,
                                        const OptionalTensor& dx_in, const OptionalTensor& sx_residual, double p, int64_t seed) {
  int64_t N = x.size(0), D = x.size(1), K = w2.size();
  int64_t threads = at::get_num_threads();
  auto type = std::is_same<A, float>::value ? at::kFloat : at::kBFloat16;
  Tensor dx = at::empty_like(x);
  Tensor G = at::empty({sx_residual ? N : 0, D}, x.options().dtype(type));
  Tensor dw = at::zeros({threads, K + 1, D}, x.options());
  Dropout dropout(p, seed);
  at::parallel_for(0, N, 64, [&](int64_t lo, int64_t hi) {
    std::vector<float> dnh(D);
    float* dwp = ptr<float>(dw) + at::get_thread_num() * (K + 1) * D;
    const float* w1p = ptr<float>(w1);
    const float* dxi = optional_ptr(dx_in);
    for (int64_t row = lo; row < hi; ++row) {
      const float* xr = ptr<float>(x) + row * D;
      float ra = ptr<float>(r1)[row], rb = ptr<float>(r2)[row], dot = 0.f, dot1 = 0.f;
      std::fill(dnh.begin(), dnh.end(), 0.f);
      float* g = dnh.data();
      for (int64_t k = 0; k < K; ++k) {
        const A* Rk = ptr<A>(R[k]) + row * D;
        const float* wk = ptr<float>(w2[k]);
        float* dwk = dwp + (k + 1) * D;
        float s = static_cast<float>(sw[k]) / ptr<float>(sx[k])[row];
#pragma omp simd
        for (int64_t d = 0; d < D; ++d) {
          float dv = load(Rk + d) * s;
          g[d] += dv * wk[d];
          dwk[d] += dv * xr[d] * w1p[d] * (ra * rb);
        }
      }
#pragma omp simd reduction(+ : dot)
      for (int64_t d = 0; d < D; ++d) dot += g[d] * xr[d] * w1p[d] * (ra * rb);
      dot /= D;
#pragma omp simd reduction(+ : dot1)
      for (int64_t d = 0; d < D; ++d) {
        float xh = xr[d] * ra;
        float dn = rb * (g[d] - xh * w1p[d] * rb * dot);
        dwp[d] += dn * xh;
        g[d] = dn * w1p[d];
        dot1 += g[d] * xh;
      }
      dot1 /= D;
      float* dxr = ptr<float>(dx) + row * D;
      if (dxi) {
#pragma omp simd
        for (int64_t d = 0; d < D; ++d) dxr[d] = ra * (g[d] - xr[d] * ra * dot1) + dxi[row * D + d];
      } else {
#pragma omp simd
        for (int64_t d = 0; d < D; ++d) dxr[d] = ra * (g[d] - xr[d] * ra * dot1);
      }
      if (sx_residual) {
        A* Gr = ptr<A>(G) + row * D;
        float s = ptr<float>(*sx_residual)[row];
        if (p > 0) {
#pragma omp simd
          for (int64_t d = 0; d < D; ++d) store(Gr + d, dxr[d] * s * dropout(row * D + d));
        } else {
#pragma omp simd
          for (int64_t d = 0; d < D; ++d) store(Gr + d, dxr[d] * s);
        }
      }
    }
  });
  return {dx, G, dw.sum(0)};
}

// Gates, recurrence, output gate and quant8(rms(o; ow)). lane = one row of the batch.
template <typename A>
Tensors mixer(List acc, List sx, Scales sw,
                          const Tensor& lb, const Tensor& gw, const Tensor& ow, const Tensor& h0, const Tensor& reset,
                          double eps) {
  int64_t B = reset.size(0), T = reset.size(1), D = lb.size(0), N = B * T;
  auto f32 = lb.options();
  Tensor h = at::empty({N, D}, f32), rg = at::empty({N}, f32), ro = at::empty({N}, f32), so = at::empty({N}, f32);
  Tensor codes = at::empty({N, D}, acc[0].options()), last = at::empty({B, D}, f32);
  at::parallel_for(0, B, 1, [&](int64_t lo, int64_t hi) {
    std::vector<float> state(D), o(D);
    const float *l = ptr<float>(lb), *gwp = ptr<float>(gw);
    float *hp = state.data(), *op = o.data();
    for (int64_t b = lo; b < hi; ++b) {
      std::copy_n(ptr<float>(h0) + b * D, D, hp);
      for (int64_t t = 0; t < T; ++t) {
        int64_t row = b * T + t;
        const A *ai = ptr<A>(acc[0]) + row * D, *af = ptr<A>(acc[1]) + row * D, *ag = ptr<A>(acc[2]) + row * D;
        float si = ptr<float>(sx[0])[row] * static_cast<float>(sw[0]), sf = ptr<float>(sx[1])[row] * static_cast<float>(sw[1]),
              sg = ptr<float>(sx[2])[row] * static_cast<float>(sw[2]);
        float keep = ptr<bool>(reset)[row] ? 0.f : 1.f, ssg = 0.f, sso = 0.f;
        float* hr = ptr<float>(h) + row * D;
#pragma omp simd
        for (int64_t d = 0; d < D; ++d) {
          float i = load(ai + d) * si, s = sigmoid(load(af + d) * sf);
          float f = l[d] + (1.f - l[d]) * s, one_minus_f = (1.f - l[d]) * (1.f - s);
          float v = f * keep * hp[d] + one_minus_f * i * sigmoid(i);
          hp[d] = v;
          hr[d] = v;
        }
#pragma omp simd reduction(+ : ssg)
        for (int64_t d = 0; d < D; ++d) { float g = load(ag + d) * sg; ssg += g * g; }
        float r = 1.f / std::sqrt(ssg / D + static_cast<float>(eps));
#pragma omp simd reduction(+ : sso)
        for (int64_t d = 0; d < D; ++d) {
          float v = load(ag + d) * sg * r * gwp[d] * hp[d] * sigmoid(hp[d]);
          op[d] = v;
          sso += v * v;
        }
        float r2 = 1.f / std::sqrt(sso / D + BITLINEAR_EPS);
        ptr<float>(rg)[row] = r;
        ptr<float>(ro)[row] = r2;
        ptr<float>(so)[row] = quantise_row(op, ptr<float>(ow), r2, ptr<A>(codes) + row * D, D);
      }
      std::copy_n(hp, D, ptr<float>(last) + b * D);
    }
  });
  return {codes, so, h, rg, ro, last};
}

// Backward of mixer: R, so, swo belong to o_proj. Returns G of i, f, g and [dlb, dgw, dow].
template <typename A>
Tensors mixer_backward(List acc, List sx, Scales sw,
                                   const Tensor& lb, const Tensor& gw, const Tensor& ow, const Tensor& h0, const Tensor& reset,
                                   const Tensor& h, const Tensor& rg, const Tensor& ro, const Tensor& R, const Tensor& so,
                                   double swo) {
  int64_t B = reset.size(0), T = reset.size(1), D = lb.size(0), N = B * T;
  Tensor Gi = at::empty({N, D}, acc[0].options()), Gf = at::empty_like(Gi), Gg = at::empty_like(Gi);
  Tensor dw = at::zeros({at::get_num_threads(), 3, D}, lb.options());
  at::parallel_for(0, B, 1, [&](int64_t lo, int64_t hi) {
    std::vector<float> buffer(4 * D);
    float *carry = buffer.data(), *doh = carry + D, *gh = doh + D, *o = gh + D;
    float* dlb = ptr<float>(dw) + at::get_thread_num() * 3 * D;
    float *dgw = dlb + D, *dow = dgw + D;
    const float *l = ptr<float>(lb), *gwp = ptr<float>(gw), *owp = ptr<float>(ow);
    for (int64_t b = lo; b < hi; ++b) {
      std::fill_n(carry, D, 0.f);
      for (int64_t t = T - 1; t >= 0; --t) {
        int64_t row = b * T + t;
        const A *ai = ptr<A>(acc[0]) + row * D, *af = ptr<A>(acc[1]) + row * D, *ag = ptr<A>(acc[2]) + row * D,
                *Rr = ptr<A>(R) + row * D;
        float xi = ptr<float>(sx[0])[row], xf = ptr<float>(sx[1])[row], xg = ptr<float>(sx[2])[row];
        float si = xi * static_cast<float>(sw[0]), sf = xf * static_cast<float>(sw[1]), sg = xg * static_cast<float>(sw[2]);
        float keep = ptr<bool>(reset)[row] ? 0.f : 1.f, r = ptr<float>(rg)[row], r2 = ptr<float>(ro)[row];
        float s_r = static_cast<float>(swo) / ptr<float>(so)[row], dot = 0.f, dotg = 0.f;
        const float *hr = ptr<float>(h) + row * D, *prev = t ? hr - D : ptr<float>(h0) + b * D;
        A *gi = ptr<A>(Gi) + row * D, *gf = ptr<A>(Gf) + row * D, *gg = ptr<A>(Gg) + row * D;
#pragma omp simd reduction(+ : dot)
        for (int64_t d = 0; d < D; ++d) {
          float ghat = load(ag + d) * sg * r;
          float oh = ghat * gwp[d] * hr[d] * sigmoid(hr[d]) * r2;
          float dv = load(Rr + d) * s_r;
          dow[d] += dv * oh;
          gh[d] = ghat;
          o[d] = oh;
          doh[d] = dv * owp[d];
          dot += doh[d] * oh;
        }
        dot /= D;
#pragma omp simd reduction(+ : dotg)
        for (int64_t d = 0; d < D; ++d) {
          float d_o = r2 * (doh[d] - o[d] * dot), s = sigmoid(hr[d]), swish = hr[d] * s;
          dgw[d] += d_o * swish * gh[d];
          float dgh = d_o * swish * gwp[d];
          dotg += dgh * gh[d];
          doh[d] = dgh;
          carry[d] += d_o * gh[d] * gwp[d] * (s + swish * (1.f - s));
        }
        dotg /= D;
#pragma omp simd
        for (int64_t d = 0; d < D; ++d) {
          float i = load(ai + d) * si, z = sigmoid(load(af + d) * sf), s = sigmoid(i), silu = i * s;
          float f = l[d] + (1.f - l[d]) * z, one_minus_f = (1.f - l[d]) * (1.f - z);
          float df = carry[d] * (keep * prev[d] - silu);
          float dsilu = carry[d] * one_minus_f;
          dlb[d] += df * (1.f - z);
          store(gf + d, df * one_minus_f * z * xf);
          store(gi + d, dsilu * (s + silu * (1.f - s)) * xi);
          store(gg + d, r * (doh[d] - gh[d] * dotg) * xg);
          carry[d] *= f * keep;
        }
      }
    }
  });
  return {Gi, Gf, Gg, dw.sum(0)};
}

// m = silu(a) * b of the stacked projection, then quant8(rms(m; w)).
template <typename A>
Tensors glu(const Tensor& acc, const Tensor& sx, double sw, const Tensor& w) {
  int64_t N = acc.size(0), I = acc.size(1) / 2;
  Tensor codes = at::empty({N, I}, acc.options()), sd = at::empty({N}, sx.options()), rd = at::empty({N}, sx.options());
  at::parallel_for(0, N, 32, [&](int64_t lo, int64_t hi) {
    std::vector<float> m(I);
    for (int64_t row = lo; row < hi; ++row) {
      const A *a = ptr<A>(acc) + row * 2 * I, *b = a + I;
      float s = ptr<float>(sx)[row] * static_cast<float>(sw), ss = 0.f;
#pragma omp simd reduction(+ : ss)
      for (int64_t d = 0; d < I; ++d) {
        float v = load(a + d) * s;
        v = v * sigmoid(v) * (load(b + d) * s);
        m[d] = v;
        ss += v * v;
      }
      float r = 1.f / std::sqrt(ss / I + BITLINEAR_EPS);
      ptr<float>(rd)[row] = r;
      ptr<float>(sd)[row] = quantise_row(m.data(), ptr<float>(w), r, ptr<A>(codes) + row * I, I);
    }
  });
  return {codes, sd, rd};
}

template <typename A>
Tensors glu_backward(const Tensor& acc, const Tensor& sx, double sw, const Tensor& w, const Tensor& rd,
                                 const Tensor& R, const Tensor& sd, double swd) {
  int64_t N = acc.size(0), I = acc.size(1) / 2;
  Tensor G = at::empty_like(acc), dw = at::zeros({at::get_num_threads(), I}, sx.options());
  at::parallel_for(0, N, 32, [&](int64_t lo, int64_t hi) {
    std::vector<float> buffer(2 * I);
    float *mh = buffer.data(), *dmh = mh + I, *dwp = ptr<float>(dw) + at::get_thread_num() * I;
    const float* wp = ptr<float>(w);
    for (int64_t row = lo; row < hi; ++row) {
      const A *a = ptr<A>(acc) + row * 2 * I, *b = a + I, *Rr = ptr<A>(R) + row * I;
      A *ga = ptr<A>(G) + row * 2 * I, *gb = ga + I;
      float x = ptr<float>(sx)[row], s = x * static_cast<float>(sw), r = ptr<float>(rd)[row], dot = 0.f;
      float s_r = static_cast<float>(swd) / ptr<float>(sd)[row];
#pragma omp simd reduction(+ : dot)
      for (int64_t d = 0; d < I; ++d) {
        float v = load(a + d) * s;
        mh[d] = v * sigmoid(v) * (load(b + d) * s) * r;
        float dv = load(Rr + d) * s_r;
        dwp[d] += dv * mh[d];
        dmh[d] = dv * wp[d];
        dot += dmh[d] * mh[d];
      }
      dot /= I;
#pragma omp simd
      for (int64_t d = 0; d < I; ++d) {
        float dm = r * (dmh[d] - mh[d] * dot);
        float v = load(a + d) * s, z = sigmoid(v), silu = v * z;
        store(gb + d, dm * silu * x);
        store(ga + d, dm * (load(b + d) * s) * (z + silu * (1.f - z)) * x);
      }
    }
  });
  return {G, dw.sum(0)};
}

// Cross entropy of logits acc * sx * sw. With weight > 0 acc is replaced by G = weight * dlogits * sx.
template <typename A>
Tensor cross_entropy(const Tensor& acc, const Tensor& sx, double sw, const Tensor& targets, double weight) {
  int64_t N = acc.size(0), V = acc.size(1);
  Tensor loss = at::empty({N}, sx.options());
  at::parallel_for(0, N, 16, [&](int64_t lo, int64_t hi) {
    std::vector<float> e(V);
    for (int64_t row = lo; row < hi; ++row) {
      A* a = ptr<A>(acc) + row * V;
      float x = ptr<float>(sx)[row], s = x * static_cast<float>(sw), m = -INFINITY, sum = 0.f;
      int64_t target = ptr<int64_t>(targets)[row];
#pragma omp simd reduction(max : m)
      for (int64_t v = 0; v < V; ++v) { float z = load(a + v); m = z > m ? z : m; }
#pragma omp simd reduction(+ : sum)
      for (int64_t v = 0; v < V; ++v) { float z = std::exp((load(a + v) - m) * s); e[v] = z; sum += z; }
      ptr<float>(loss)[row] = std::log(sum) - (load(a + target) - m) * s;
      if (weight > 0) {
        float k = static_cast<float>(weight) * x, ks = k / sum;
#pragma omp simd
        for (int64_t v = 0; v < V; ++v) store(a + v, e[v] * ks);
        store(a + target, (e[target] / sum - 1.f) * k);
      }
    }
  });
  return loss;
}

// (trits as A, mean absolute value) of one latent matrix.
template <typename A>
std::tuple<Tensor, double> ternarise(const Tensor& w) {
  int64_t n = w.numel();
  Tensor out = at::empty(w.sizes(), w.options().dtype(std::is_same<A, float>::value ? at::kFloat : at::kBFloat16));
  double mean = w.abs().mean().item<double>();
  float scale = std::max(static_cast<float>(mean), MIN_ABSMAX), a = 1.f / scale;
  at::parallel_for(0, n, 4096, [&](int64_t lo, int64_t hi) {
    const float* p = ptr<float>(w);
    A* o = ptr<A>(out);
#pragma omp simd
    for (int64_t k = lo; k < hi; ++k) {
      float v = std::nearbyint(p[k] * a);
      store(o + k, v > 1.f ? 1.f : (v < -1.f ? -1.f : v));
    }
  });
  return {out, static_cast<double>(scale)};
}

}  // namespace

#define BOTH(name)                   \
  m.def(#name "_f32", &name<float>); \
  m.def(#name "_bf16", &name<bf16>);

TORCH_LIBRARY(tritstream_train, m) {
  BOTH(norm_quant)
  BOTH(norm_quant_backward)
  BOTH(mixer)
  BOTH(mixer_backward)
  BOTH(glu)
  BOTH(glu_backward)
  BOTH(cross_entropy)
  BOTH(ternarise)
}
