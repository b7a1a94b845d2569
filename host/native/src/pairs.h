/* The rows of a byte from pairs of bits left in place, as trit + 2: the sum of row k is 4**k times too
 * large, and is shifted back exactly. */
static inline void twobit_rows(const int32_t *sums, const int32_t *code_sums, int32_t *rows) {
    for (int k = 0; k < 4; k++) {
        for (int u = 0; u < UNITS; u++) {
            rows[k * UNITS + u] = (sums[k * UNITS + u] >> (2 * k)) - 2 * code_sums[u];
        }
    }
}
