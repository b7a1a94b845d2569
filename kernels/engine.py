"""The engine: records first..last of a model, decoder layers and LM head, on up to TOKENS tokens.

A feed-forward dataflow region. `fetch` reads the descriptor table and every small memory and tells
the others what to do; a loader per weight port streams trits into a deep FIFO and runs ahead while
the core is busy with a norm; `core` computes; `store` writes. Between processes there are only
streams that lead forward, so the processes may as well run one after the other, as C simulation
does.

The core walks phases (i f g o gate down, or head). A phase is a norm, which makes int8 codes of the
vector `values`, and a mat-vec whose sums leave one a cycle. Everything element by element happens
to a sum as it leaves, inside the mat-vec's own loop: no further passes over vectors.

Tokens of one start share each weight word. The norms come token by token; the sums of a row leave
token by token, too, so that a row group waits where it has fewer words than sums. What is kept of a
vector lies element by element, the tokens beside each other. With one token the recurrence is a
step of the f phase's drain; with several that drain leaves 1 - f, and a scan over the tokens
follows, each of which begins with a state from memory or goes on from the token before.

A read test is a record of another kind: some weight ports read, and nobody takes what they read.

At the end stands how many values of the start were cut to the range of their format, and how many
scales: what the specification's `Saturations` counts.

What a name ending in `_0` stands in is written for weight port 0 and there for every port, see
`ports.py`.
"""

# mypy: ignore-errors
# ruff: noqa: B007, F821, SIM102, SIM109 - this is Allo's language, only its syntax is Python's
import allo
import allo.dataflow as df
from allo.ir.types import Stream

from tritstream.kernels import rmsnorm, ternary_matvec
from tritstream.kernels.constants import (
    COLUMN_WORDS,
    DESCRIPTORS_BEATS,
    ELEMENT_LANES,
    ELEMENT_LANES_LOG2,
    GEOMETRY_BEATS,
    GROUPS,
    HEAD,
    HEADER_BEATS,
    HELD,
    LANE_MASK,
    LAYER,
    LOGITS_BEATS,
    PARAMETERS_BEATS,
    PHASE_DOWN,
    PHASE_F,
    PHASE_G,
    PHASE_GATE,
    PHASE_GATE_B,
    PHASE_HEAD,
    PHASE_I,
    PHASE_O,
    PORT_0,
    PORT_WORDS_LOG2,
    PORTS,
    PREFETCH_WORDS,
    READ_TEST,
    ROW_BEAT_0,
    ROW_HIGH_0,
    ROW_LOW_0,
    ROWS,
    SQUARE_BITS,
    STATE_BEATS,
    STATE_IN_BEATS,
    STATE_OUT_BEATS,
    STATE_WORDS,
    TOKENS,
    VECTOR_BEATS,
    VECTOR_IN_BEATS,
    VECTOR_OUT_BEATS,
    VECTOR_WORDS,
    WEIGHTS_0_BEATS,
    WORD_BEATS,
)
from tritstream.kernels.dequantise import dequantise, saturate_gate
from tritstream.kernels.mlgru import state_update
from tritstream.kernels.residual import residual_add
from tritstream.kernels.rmsnorm import (
    VALUES,
    codes_and_scale,
    gate_squares,
    measure,
    norm_scale,
)
from tritstream.kernels.scalars import bit_length, normalise
from tritstream.kernels.schedules import mark_independent, partition
from tritstream.kernels.sigmoid import sigmoid
from tritstream.kernels.swiglu import gated_product, times_sigma
from tritstream.kernels.ternary_matvec import multiply_word
from tritstream.kernels.types import (
    Beat,
    ElementWord,
    PortWord,
    Sigma,
    Sum,
    Vector,
    int8,
    int32,
    int64,
)

ELEMENT_PAIRS_LOG2 = ELEMENT_LANES_LOG2 - 1
PAIR_MASK = LANE_MASK >> 1
LAST_PART = WORD_BEATS - 1
RESIDUALS = TOKENS * VECTOR_BEATS
ALL_HELD = TOKENS * HELD
# With one token there is no scan.
SCANNED = STATE_WORDS if TOKENS > 1 else 1
ALL_SCANNED = TOKENS * SCANNED
TOP_FLAG = TOKENS - 1
FOUR_EACH = 4 * TOKENS


@df.region()
def engine(
    first: int32[1],
    last: int32[1],
    descriptors: Beat[DESCRIPTORS_BEATS],
    weights_0: PortWord[WEIGHTS_0_BEATS],
    parameters: Beat[PARAMETERS_BEATS],
    vector_in: Beat[VECTOR_IN_BEATS],
    vector_out: Beat[VECTOR_OUT_BEATS],
    state_in: Beat[STATE_IN_BEATS],
    state_out: Beat[STATE_OUT_BEATS],
    logits: Beat[LOGITS_BEATS],
):
    # What there is to do: counts, then a line per record.
    plan_core: Stream[int32, 4]
    plan_store: Stream[int32, 4]
    plan_0: Stream[int32, 4]
    # The model's sizes, a beat a phase.
    sizes: Stream[Beat, GEOMETRY_BEATS]
    # Deep enough to go on loading through a norm.
    trits_0: Stream[PortWord, PREFETCH_WORDS]
    # Deep enough for a phase: norms take a word a cycle, memory gives a beat a cycle.
    elements: Stream[ElementWord, VECTOR_WORDS]
    side: Stream[Beat, STATE_BEATS]
    state: Stream[Beat, STATE_BEATS]
    results: Stream[Beat, 64]

    @df.kernel(mapping=[1], args=[first, last, descriptors, parameters, vector_in, state_in])
    def fetch(
        lo: int32[1],
        hi: int32[1],
        table: Beat[DESCRIPTORS_BEATS],
        block: Beat[PARAMETERS_BEATS],
        x: Beat[VECTOR_IN_BEATS],
        old: Beat[STATE_IN_BEATS],
    ):
        vector_words: int32[GEOMETRY_BEATS]
        room_beats: int32[GEOMETRY_BEATS]
        part: Beat[WORD_BEATS]
        pair: Beat[2]
        origins: int32[TOKENS]
        model: Beat = 0
        for n in allo.grid(GEOMETRY_BEATS, pipeline=True):
            size: Beat = table[n]
            model = size
            if n < GEOMETRY_BEATS - 1:
                sizes.put(size)
            both: int32 = size[32:64]
            vector_words[n] = both >> 16
            room_and_groups: int32 = size[96:128]
            room_beats[n] = room_and_groups & 4095
        vector_beats: int32 = model[0:32]
        logits_beats: int32 = model[32:64]
        layer_words: int32 = model[64:96]
        head_words: int32 = model[96:128]
        begin: int32 = lo[0]
        count: int32 = hi[0] - begin + 1
        # A beat a token: where its state comes from, -1 for the token before, and where it goes,
        # whether its logits are of no use, and (of the first) how many tokens follow.
        tokens: int32 = 1
        further: int32 = 0
        continued: int32 = 0
        silent: int32 = 0
        for n in allo.grid(TOKENS, pipeline=True):
            line: Beat = x[n]
            origin: int32 = line[0:32]
            target: int32 = line[32:64]
            unwanted: int32 = line[64:96]
            behind: int32 = line[96:128]
            goes_on: int32 = 0
            if n == 0:
                further = behind
            else:
                if origin < 0:
                    goes_on = 1
            no_logits: int32 = 1 if unwanted != 0 else 0
            origins[n] = origin
            continued = (continued >> 1) | (goes_on << TOP_FLAG)
            silent = (silent >> 1) | (no_logits << TOP_FLAG)
            plan_store.put(target)
        with allo.meta_if(TOKENS > 1):
            if further > 0:
                tokens = further + 1
            if further > TOP_FLAG:
                tokens = TOKENS
        wanted: int32 = 1
        with allo.meta_if(TOKENS > 1):
            wanted = 0
            left_silent: int32 = silent
            for t in range(tokens):
                if left_silent & 1 == 0:
                    wanted += 1
                left_silent = left_silent >> 1
            plan_core.put(tokens)
            plan_core.put(continued)
            plan_core.put(silent)
        plan_core.put(vector_beats)
        plan_core.put(count)
        plan_store.put(tokens)
        plan_store.put(wanted)
        plan_store.put(vector_beats)
        plan_store.put(logits_beats)
        plan_store.put(count)
        plan_0.put(count)
        begin_vectors: int32 = TOKENS
        for t in range(tokens):
            for n in allo.grid(vector_beats, pipeline=True):
                state.put(x[begin_vectors + n])
            begin_vectors += vector_beats
        state_beats: int32 = vector_beats >> 1
        for record in range(count):
            row: int32 = GEOMETRY_BEATS + ((begin + record) << 1)
            for n in allo.grid(2, pipeline=True):
                pair[n] = table[row + n]
            front: Beat = pair[0]
            back: Beat = pair[1]
            kind: int32 = front[0:32]
            at: int32 = front[32:64]
            where_0: Beat = pair[ROW_BEAT_0]
            from_0: int32 = where_0[ROW_LOW_0:ROW_HIGH_0]
            state_at: int32 = back[64:96]
            words: int32 = layer_words if kind == LAYER else head_words
            words_0: int32 = words
            if kind == READ_TEST:
                chosen_0: int32 = (state_at >> PORT_0) & 1
                words_0 = at if chosen_0 == 1 else 0
            plan_core.put(kind)
            plan_store.put(kind)
            plan_store.put(state_at)
            plan_0.put(kind)
            plan_0.put(from_0)
            plan_0.put(words_0)
            takers: int32 = tokens if kind == LAYER else wanted
            phase_begin: int32 = 0 if kind == LAYER else PHASE_HEAD
            phase_end: int32 = PHASE_HEAD + 1 if kind == HEAD else PHASE_HEAD
            for phase in range(phase_begin, phase_end):
                for n in allo.grid(HEADER_BEATS, pipeline=True):
                    line: Beat = block[at + n]
                    side.put(line)
                at += HEADER_BEATS
                element_beats: int32 = vector_words[phase] * WORD_BEATS
                for t in range(takers):
                    filled: int32 = 0
                    for n in allo.grid(element_beats, pipeline=True):
                        for k in range(LAST_PART):
                            part[k] = part[k + 1]
                        part[LAST_PART] = block[at + n]
                        filled += 1
                        if filled == WORD_BEATS:
                            filled = 0
                            whole: ElementWord = 0
                            for k in range(WORD_BEATS):
                                whole[128 * k : 128 * k + 128] = part[k]
                            elements.put(whole)
                at += element_beats
                more: int32 = room_beats[phase]
                for n in allo.grid(more, pipeline=True):
                    room_beat: Beat = block[at + n]
                    side.put(room_beat)
                at += more
                if phase == PHASE_F:
                    rest_continued: int32 = continued
                    for t in range(tokens):
                        loads: int32 = state_beats
                        if rest_continued & 1 == 1:
                            loads = 0
                        rest_continued = rest_continued >> 1
                        old_at: int32 = origins[t] + state_at
                        for n in allo.grid(loads, pipeline=True):
                            state.put(old[old_at + n])

    @df.kernel(mapping=[1], args=[weights_0])
    def load_0(memory: PortWord[WEIGHTS_0_BEATS]):
        count: int32 = plan_0.get()
        for record in range(count):
            kind: int32 = plan_0.get()
            first_beat: int32 = plan_0.get()
            at: int32 = first_beat << PORT_WORDS_LOG2
            words: int32 = plan_0.get()
            for n in allo.grid(words, pipeline=True):
                read: PortWord = memory[at + n]
                if kind != READ_TEST:
                    trits_0.put(read)

    @df.kernel(mapping=[1], args=[])
    def core():
        weight_words: int32[GEOMETRY_BEATS]
        column_words: int32[GEOMETRY_BEATS]
        matrix_rows: int32[GEOMETRY_BEATS]
        norm_words: int32[GEOMETRY_BEATS]
        row_groups: int32[GEOMETRY_BEATS]
        # The vector that the next norm takes, and the residual.
        values: Vector[VALUES, ELEMENT_LANES]
        residual: Vector[RESIDUALS, 2]
        # What a phase leaves to a later one, element by element: silu(i), then h; silu(a).
        held: int32[ALL_HELD]
        # Of several tokens: 1 - f; and the state behind the token that the scan has come to.
        opened: int32[ALL_SCANNED]
        latest: int32[SCANNED]
        codes: int8[COLUMN_WORDS, TOKENS, GROUPS, ELEMENT_LANES]
        scaled: int32[VECTOR_WORDS, ELEMENT_LANES]
        header: int32[8]
        squares: int64[2]
        absmax: int32[1]
        plain: int32[2]
        gate_plain: int32[2]
        scale: int32[2]
        exponents: int32[2]
        work: int64[2]
        word: PortWord[PORTS]
        sums: Sum[ROWS, TOKENS]
        leaving: Sum[ROWS, TOKENS]
        # By token, or by place among those whose logits are wanted.
        ones: Vector[TOKENS]
        gate_sums: int64[TOKENS]
        gate_mantissas: int32[TOKENS]
        gate_exponents: int32[TOKENS]
        scale_mantissas: int32[TOKENS]
        scale_exponents: int32[TOKENS]
        quad: int32[FOUR_EACH]
        chosen: int32[TOKENS]
        # How often a gate, the residual, a scale was cut.
        cut: int32[3]
        cut[0] = 0
        cut[1] = 0
        cut[2] = 0
        gate_max: int32 = 2147483647
        vector_max: int64 = 1
        vector_max = (vector_max << 47) - 1
        for n in allo.grid(GEOMETRY_BEATS - 1, pipeline=True):
            size: Beat = sizes.get()
            total_words: int32 = size[0:32]
            weight_words[n] = total_words
            both: int32 = size[32:64]
            column_words[n] = both & 65535
            norm_words[n] = both >> 16
            all_rows: int32 = size[64:96]
            matrix_rows[n] = all_rows
            room_and_groups: int32 = size[96:128]
            row_groups[n] = room_and_groups >> 12
        intermediate: int32 = matrix_rows[PHASE_GATE] >> 1
        tokens: int32 = 1
        wanted: int32 = 1
        continued: int32 = 0
        with allo.meta_if(TOKENS > 1):
            tokens = plan_core.get()
            continued = plan_core.get()
            silent: int32 = plan_core.get()
            wanted = 0
            for t in range(tokens):
                candidate_token: int32 = t
                if silent & 1 == 0:
                    chosen[wanted] = candidate_token
                    wanted += 1
                silent = silent >> 1
        vector_beats: int32 = plan_core.get()
        for t in range(tokens):
            token_in: int32 = t
            seen: Vector = 0
            for n in allo.grid(vector_beats, pipeline=True):
                pair: Beat = state.get()
                low: Vector = pair[0:48]
                high: Vector = pair[64:112]
                number: int32 = n
                beside: int32 = TOKENS * number + token_in
                residual[beside, 0] = low
                residual[beside, 1] = high
                lane: int32 = (number & PAIR_MASK) << 1
                place_in: int32 = TOKENS * (number >> ELEMENT_PAIRS_LOG2) + token_in
                values[place_in, lane] = low
                values[place_in, lane + 1] = high
                seen = seen | (low ^ (low >> 47)) | (high ^ (high >> 47))
            ones[token_in] = seen
        count: int32 = plan_core.get()
        for record in range(count):
            kind: int32 = plan_core.get()
            phase_begin: int32 = 0 if kind == LAYER else PHASE_HEAD
            phase_end: int32 = PHASE_HEAD + 1 if kind == HEAD else PHASE_HEAD
            active: int32 = tokens if kind == LAYER else wanted
            for p in range(phase_begin, phase_end):
                phase: int32 = p
                front: Beat = side.get()
                back: Beat = side.get()
                header[0] = front[0:32]
                header[1] = front[32:64]
                header[2] = front[64:96]
                header[3] = front[96:128]
                header[4] = back[0:32]
                header[5] = back[32:64]
                header[6] = back[64:96]
                header[7] = 0

                # The norm: values -> codes and their scale, token by token.
                for k in range(active):
                    turn: int32 = k
                    token: int32 = turn
                    with allo.meta_if(TOKENS > 1):
                        if phase == PHASE_HEAD:
                            token = chosen[turn]
                    magnitude: int64 = ones[token]
                    length: int32 = bit_length(magnitude)
                    left: int32 = 47 - length
                    squares[0] = 0
                    squares[1] = 0
                    absmax[0] = 1
                    vector_words: int32 = norm_words[phase]
                    for n in allo.grid(vector_words, pipeline=True):
                        measured: int32 = n
                        element: ElementWord = elements.get()
                        place: int32 = TOKENS * measured + token
                        measure(values, place, measured, element, left, scaled, squares, absmax)
                    lost: int32 = length + 1
                    plain_exponent: int32 = (lost - SQUARE_BITS) << 1
                    normalise(squares[1], plain_exponent, plain)
                    if phase == PHASE_O:
                        plain[0] = gate_mantissas[token]
                        plain[1] = gate_exponents[token]
                    if phase == PHASE_DOWN:
                        plain[0] = 0
                        plain[1] = 0
                    norm_scale(header, lost, squares, absmax, plain, exponents, work)
                    codes_and_scale(
                        scaled, vector_words, turn, absmax, work, exponents, codes, scale
                    )
                    scale_mantissas[turn] = scale[0]
                    scale_exponents[turn] = scale[1]
                    if phase < PHASE_HEAD and scale[1] > 0:
                        cut[2] += 1

                # The mat-vec, and what becomes of each sum.
                words: int32 = weight_words[phase]
                columns: int32 = column_words[phase]
                rows: int32 = matrix_rows[phase]
                for t in range(TOKENS):
                    gate_sums[t] = 0
                    if phase == PHASE_G or phase >= PHASE_O:
                        ones[t] = 0
                state_beat: Beat = 0
                room_beat: Beat = 0
                column: int32 = 0
                position: int32 = 0
                pending: int32 = 0
                taker: int32 = 0
                # A row group waits until the sums of the one before have left.
                turns: int32 = words
                group_sums: int32 = ROWS
                idle: int32 = 0
                waiting: int32 = 0
                with allo.meta_if(TOKENS > 1):
                    group_sums = ROWS * active
                    if group_sums > columns:
                        idle = group_sums - columns
                    turns = words + row_groups[phase] * idle
                steps: int32 = turns + group_sums
                for n in allo.grid(steps, pipeline=True):
                    taking: int32 = 1
                    with allo.meta_if(TOKENS > 1):
                        if waiting > 0:
                            waiting -= 1
                            taking = 0
                    if n < turns:
                        if taking == 1:
                            word[PORT_0] = trits_0.get()
                    if pending > 0:
                        pending -= 1
                        total: Sum = 0
                        for t in range(TOKENS):
                            if taker == t:
                                total = leaving[0, t]
                                scale[0] = scale_mantissas[t]
                                scale[1] = scale_exponents[t]
                        last_taker: int32 = 1
                        with allo.meta_if(TOKENS > 1):
                            if taker != active - 1:
                                last_taker = 0
                        if last_taker == 1:
                            for r, t in allo.grid(ROWS - 1, TOKENS):
                                leaving[r, t] = leaving[r + 1, t]
                        if position < rows:
                            step: int32 = phase
                            at: int32 = position
                            if phase == PHASE_GATE:
                                if position >= intermediate:
                                    step = PHASE_GATE_B
                                    at = position - intermediate
                            if phase == PHASE_HEAD:
                                at = 0  # no element of a vector belongs to a logit
                            quarter: int32 = position & 3
                            if step == PHASE_F and taker == 0 and quarter == 0:
                                room_beat = side.get()
                            if step == PHASE_F and tokens == 1 and quarter == 0:
                                state_beat = state.get()
                            room: int32 = room_beat
                            before: int32 = state_beat
                            for k in range(3):
                                if quarter == k + 1:
                                    room_part: Beat = room_beat >> (32 * k + 32)
                                    room = room_part
                                    state_part: Beat = state_beat >> (32 * k + 32)
                                    before = state_part
                            beside_at: int32 = TOKENS * at + taker
                            delta: Vector = dequantise(total, scale)
                            gate: int32 = saturate_gate(delta)
                            kept: int32 = held[beside_at]
                            signed_gate: int32 = -gate if step == PHASE_F else gate
                            argument: int32 = kept if step == PHASE_G else signed_gate
                            sigma: Sigma = sigmoid(argument)
                            factor: int32 = room if step == PHASE_F else argument
                            weighted: int32 = times_sigma(factor, sigma)
                            fresh: Sigma = weighted
                            mixed: int32 = state_update(before, kept, fresh)
                            keeps: int32 = 0
                            if step == PHASE_I or step == PHASE_GATE:
                                keeps = 1
                            if step == PHASE_F:
                                if tokens == 1:
                                    keeps = 1
                                with allo.meta_if(TOKENS > 1):
                                    opened[beside_at] = weighted
                            if keeps == 1:
                                held[beside_at] = mixed if step == PHASE_F else weighted
                            other: int32 = weighted if step == PHASE_G else kept
                            value: Vector = gated_product(gate, other)
                            if step == PHASE_O or step == PHASE_DOWN:
                                beside: int32 = TOKENS * (at >> 1) + taker
                                value = residual_add(residual[beside, at & 1], delta)
                                residual[beside, at & 1] = value
                                if value == vector_max or value == -vector_max:
                                    cut[1] += 1
                            else:
                                if step != PHASE_HEAD:
                                    if gate == gate_max or gate == -gate_max:
                                        cut[0] += 1
                            if (
                                step == PHASE_G
                                or step == PHASE_O
                                or step == PHASE_DOWN
                                or step == PHASE_GATE_B
                            ):
                                place_out: int32 = TOKENS * (at >> ELEMENT_LANES_LOG2) + taker
                                values[place_out, at & LANE_MASK] = value
                                for t in range(TOKENS):
                                    if taker == t:
                                        ones[t] = ones[t] | (value ^ (value >> 47))
                            square: int64 = total * total
                            if step == PHASE_G:
                                for t in range(TOKENS):
                                    if taker == t:
                                        gate_sums[t] += square
                            leaves: int32 = 0
                            if step == PHASE_F:
                                if tokens == 1:
                                    leaves = 1
                            if step == PHASE_HEAD:
                                leaves = 1
                            if leaves == 1:
                                newest: int32 = mixed if step == PHASE_F else total
                                packed: Beat = 0
                                for t in range(TOKENS):
                                    if taker == t:
                                        for k in range(3):
                                            quad[4 * t + k] = quad[4 * t + k + 1]
                                        quad[4 * t + 3] = newest
                                        for k in range(4):
                                            packed[32 * k : 32 * k + 32] = quad[4 * t + k]
                                if quarter == 3:
                                    results.put(packed)
                        with allo.meta_if(TOKENS > 1):
                            taker += 1
                        if last_taker == 1:
                            taker = 0
                            position += 1
                    multiply_word(word, codes, column, sums)
                    if taking == 1:
                        column += 1
                        if column == columns:
                            column = 0
                            pending = group_sums
                            waiting = idle
                            for r, t in allo.grid(ROWS, TOKENS):
                                leaving[r, t] = sums[r, t]
                with allo.meta_if(TOKENS > 1):
                    # The scan; a token is behind the one before in every element.
                    if phase == PHASE_F:
                        if tokens > 1:
                            rest_continued: int32 = continued
                            for t in range(tokens):
                                token_now: int32 = t
                                goes_on: int32 = rest_continued & 1
                                rest_continued = rest_continued >> 1
                                old_beat: Beat = 0
                                for n in allo.grid(rows, pipeline=True):
                                    element_at: int32 = n
                                    part_of: int32 = element_at & 3
                                    if goes_on == 0 and part_of == 0:
                                        old_beat = state.get()
                                    loaded: int32 = old_beat
                                    old_beat = old_beat >> 32
                                    of_token: int32 = TOKENS * element_at + token_now
                                    earlier: int32 = latest[element_at]
                                    stands: int32 = earlier if goes_on == 1 else loaded
                                    candidate: int32 = held[of_token]
                                    share: Sigma = opened[of_token]
                                    later: int32 = state_update(stands, candidate, share)
                                    latest[element_at] = later
                                    held[of_token] = later
                                    for k in range(3):
                                        quad[k] = quad[k + 1]
                                    quad[3] = later
                                    if part_of == 3:
                                        line: Beat = 0
                                        for k in range(4):
                                            line[32 * k : 32 * k + 32] = quad[k]
                                        results.put(line)
                for t in range(active):
                    scale[0] = scale_mantissas[t]
                    scale[1] = scale_exponents[t]
                    if phase == PHASE_G:
                        gate_squares(gate_sums[t], scale, gate_plain)
                        gate_mantissas[t] = gate_plain[0]
                        gate_exponents[t] = gate_plain[1]
                    if phase == PHASE_HEAD:
                        end: Beat = 0
                        end[0:32] = scale[0]
                        end[32:64] = scale[1]
                        results.put(end)
        for t in range(tokens):
            token_out: int32 = t
            for n in allo.grid(vector_beats, pipeline=True):
                out: Beat = 0
                number_out: int32 = n
                beside_out: int32 = TOKENS * number_out + token_out
                even: int64 = residual[beside_out, 0]
                odd: int64 = residual[beside_out, 1]
                out[0:64] = even
                out[64:128] = odd
                results.put(out)
        counted: Beat = 0
        counted[0:32] = cut[0]
        counted[32:64] = cut[1]
        counted[64:96] = cut[2]
        results.put(counted)

    @df.kernel(mapping=[1], args=[vector_out, state_out, logits])
    def store(x: Beat[VECTOR_OUT_BEATS], fresh: Beat[STATE_OUT_BEATS], sums: Beat[LOGITS_BEATS]):
        targets: int32[TOKENS]
        for t in range(TOKENS):
            targets[t] = plan_store.get()
        tokens: int32 = plan_store.get()
        wanted: int32 = plan_store.get()
        vector_beats: int32 = plan_store.get()
        logits_beats: int32 = plan_store.get()
        count: int32 = plan_store.get()
        state_beats: int32 = vector_beats >> 1
        # One more for their scale.
        head_beats: int32 = (logits_beats + 1) * wanted
        # One more for what was cut.
        all_beats: int32 = vector_beats * tokens + 1
        for record in range(count):
            kind: int32 = plan_store.get()
            at: int32 = plan_store.get()
            if kind == LAYER:
                for t in range(tokens):
                    state_at: int32 = targets[t] + at
                    for n in allo.grid(state_beats, pipeline=True):
                        fresh[state_at + n] = results.get()
            if kind == HEAD:
                for n in allo.grid(head_beats, pipeline=True):
                    sums[n] = results.get()
        behind: int32 = TOKENS
        for n in allo.grid(all_beats, pipeline=True):
            x[behind + n] = results.get()


INLINE = (
    *rmsnorm.INLINE,
    *ternary_matvec.INLINE,
    "dequantise",
    "saturate_gate",
    "sigmoid",
    "times_sigma",
    "state_update",
    "gated_product",
    "residual_add",
)
REGISTERS = (
    "header", "squares", "plain", "gate_plain", "scale", "exponents", "work",
    "word", "sums", "leaving", "ones", "gate_sums", "gate_mantissas", "gate_exponents",
    "scale_mantissas", "scale_exponents", "quad", "cut", *(("chosen",) if TOKENS > 1 else ()),
)  # fmt: skip
BANKS = (("values", 2), ("residual", 2), ("codes", 2), ("codes", 3), ("codes", 4), ("scaled", 2))


def schedule():
    """A bank per element lane and per code lane; registers for words, sums and scalars."""
    s = df.customize(engine)
    core = (*BANKS, *((array, 0) for array in REGISTERS))
    partition(
        s,
        rmsnorm.PARTITIONS
        | ternary_matvec.PARTITIONS
        | {"fetch_0": (("part", 0), ("pair", 0)), "core_0": core},
    )
    # A phase visits every element once, in order: what it reads, no earlier step of it has written,
    # but for silu(a), which lies half of the gate matrix's rows back.
    mark_independent(s, "core_0", ("held", "residual"))
    return s
