/* The rows of a byte from the sums of the chain b_0 .. b_5: see matvec.h. */

/* `functionals` are sums of b_k * c with unsigned b_k. */
static inline void base3_rows(const int32_t *functionals, int32_t code_sum, int32_t *rows) {
    for (int k = 0; k < 5; k++) {
        int64_t digits = (3 * (int64_t)functionals[k] - functionals[k + 1]) >> 8;
        rows[k] = (int32_t)digits - code_sum; /* trit = digit - 1 */
    }
}
