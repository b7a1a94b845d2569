/* The rows of a byte from the sums of the chain b_0 .. b_5, unsigned: see matvec.h. */
static inline void base3_rows(const int32_t *sums, const int32_t *code_sums, int32_t *rows) {
    for (int k = 0; k < 5; k++) {
        for (int u = 0; u < UNITS; u++) {
            int32_t digits = (3 * sums[k * UNITS + u] - sums[(k + 1) * UNITS + u]) >> 8;
            rows[k * UNITS + u] = digits - code_sums[u]; /* trit = digit - 1 */
        }
    }
}
