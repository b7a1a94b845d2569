"""Faults put into the shell one at a time: each must make a property fail."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """``before`` becomes ``after`` in a module; ``caught`` names the property of ``proof`` that
    fails within ``depth`` cycles."""

    module: str
    before: str
    after: str
    proof: str
    caught: str
    depth: int = 15


_RUN, _CONTROL, _FIFO, _SLICE = "run", "control", "fifo", "slice of a Zynq-7000"
_CHECK, _OPEN_FIFO = "check", "fifo for open tools"
_READER, _WRITER = "reader of 128 bits, 2 users", "writer of 128 bits, 3 users"
_READ_WORDS, _WRITE_WORDS = "words of a reader of 128 bits", "words of a writer of 128 bits"
_ZYNQ = "control of a Zynq-7000"

MUTATIONS = (
    Mutation("shell_run", "following = armed ? BEGIN : FINISH", "following = BEGIN", _RUN,
             "P_unarmed_start_ends"),
    Mutation("shell_run", "(met != '0) | (core_done & ~quiet)", "core_done & ~quiet", _RUN,
             "P_error_stops"),
    Mutation("shell_run", "DRAIN: if (quiet) following", "DRAIN: following", _RUN,
             "P_core_reset_when_quiet"),
    Mutation("shell_run", "else if (busy) faults <= faults | met;", "", _RUN,
             "P_error_is_reported"),
    Mutation("shell_run", "halted <= busy & ~finished & (halted | halt);",
             "halted <= busy & ~finished & halt & (state != RUN);", _RUN, "P_halt_ends"),
    Mutation("shell_run", "if (left == 2'd0) following = FINISH;",
             "if (left == 2'd0) following = IDLE;", _RUN, "P_busy"),
    Mutation("shell_run", "assign met = {bad, outside,", "assign met = {1'b0, outside,", _RUN,
             "P_error_is_reported"),
    Mutation("shell_check", "bad <= bad | (sizes", "bad <= (sizes", _CHECK, "P_refusal_stays"),
    Mutation("shell_check", "| (last < first)", "", _CHECK, "P_registers"),
    Mutation("shell_check", "| (b[31:16] > VECTOR_WORDS)", "", _CHECK, "P_norm_too_long"),
    Mutation("shell_check", "(front & bad_front)", "(back & bad_front)", _CHECK, "P_kind"),
    Mutation("shell_check", "if (front) rows", "if (number[3]) rows", _CHECK, "P_rows"),
    Mutation("shell_control", "& ((write & (at == CTRL) & data[0]", "& ((write & data[0]",
             _CONTROL, "P_start_is_asked"),
    Mutation("shell_control", "else if (bready) bvalid <= 1'b0;", "else bvalid <= 1'b0;",
             _CONTROL, "P_answer_stays"),
    Mutation("shell_control", "assign awready = ~aw_held;", "assign awready = 1'b1;", _CONTROL,
             "P_writes_outstanding"),
    Mutation("shell_control", "if (finished) {done, ready} <= 2'b11;\n      else if (read_control)"
             " {done, ready} <= 2'b00;", "if (read_control) {done, ready} <= 2'b00;\n      else if"
             " (finished) {done, ready} <= 2'b11;", _CONTROL, "P_done_until_read"),
    Mutation("shell_control", "if (write & strobe[b] & (at", "if (write & (at", _CONTROL,
             "P_argument_is_kept"),
    Mutation("shell_control", "assign armed = &(seen | ~NEEDED);",
             "assign armed = |(seen & NEEDED);",
             _CONTROL, "P_armed_means_all"),
    Mutation("shell_control", "| (finished ? enables : 2'b00)", "", _CONTROL,
             "P_end_sets_the_interrupt"),
    Mutation("stream_fifo", "assign in_ready = ~count[BITS];", "assign in_ready = 1'b1;", _FIFO,
             "P_bound"),
    Mutation("stream_fifo", "(count != '0) & (~out_valid | out_ready)", "(count != '0)", _FIFO,
             "P_data_stays"),
    Mutation("stream_fifo", "words[tail[BITS-1:0]] <= in_data", "words[head[BITS-1:0]] <= in_data",
             _FIFO, "P_word"),
    Mutation("tritstream_fifo", "stuck | (push & last)", "stuck", _OPEN_FIFO, "P_bound"),
    Mutation("tritstream_fifo", "push | (read ? two : one)", "push | one", _OPEN_FIFO,
             "P_valid_is_a_word"),
    Mutation("tritstream_fifo", "some & (~read_valid | move)", "some", _OPEN_FIFO, "P_word"),
    Mutation("shell_reader", "- {1'b0, start[WORD_BITS-1:0]}", "", _READER, "P_no_4k_crossing"),
    Mutation("shell_reader", "& ~all_under_way\n", "\n", _READER, "P_outstanding", 80),
    Mutation("shell_reader", "planned & allowed & ~stop", "planned & allowed", _READER,
             "P_stop_begins_nothing"),
    Mutation("shell_reader", "planned & allowed & ~stop", "planned & ~stop", _READER, "P_window"),
    Mutation("shell_reader", "else if (arready) arvalid <= 1'b0;", "else arvalid <= 1'b0;",
             _READER, "P_valid_stays"),
    Mutation("shell_reader", "& (~planned | stop);", ";", _READER, "P_quiet_begins_nothing"),
    Mutation("shell_reader", "& (ROOM_BITS'(planned_length) <= ROOM_BITS'(DEPTH) - reserved)", "",
             _READ_WORDS, "P_no_overflow", 30),
    Mutation("shell_reader", "who <= next;", "who <= '0;", _READ_WORDS, "P_words_of_a_user", 30),
    Mutation("shell_writer", "(unsent != '0) & there", "(unsent != '0) & ~awvalid & there",
             "response of a writer", "P_answered", 60),
    Mutation("shell_writer", "assign wlast = unsent == 9'd1;", "assign wlast = unsent <= 9'd2;",
             _WRITER, "P_last_at_length"),
    Mutation("shell_writer", "assign all_answered = current & ~some & quiet & ~planned;",
             "assign all_answered = current & ~some & ~planned & ~awvalid;", _WRITER,
             "P_answered_after_all"),
    Mutation("shell_writer", "& (stored >= ROOM_BITS'(planned_length))", "", _WRITE_WORDS,
             "P_announced_data_is_here", 30),
    Mutation("shell_writer", "assign push = valid[who] & ready[who];",
             "assign push = valid[who] & more;", _WRITE_WORDS, "P_no_overflow", 30),
    Mutation("zynq7_slice", "assign in_ready = ~full;", "assign in_ready = 1'b1;", _SLICE,
             "P_bound"),
    Mutation("zynq7_slice", "out_data <= full ? held : in_data;", "out_data <= in_data;", _SLICE,
             "P_word"),
    Mutation("zynq7_control", "assign rlast = r_left == '0;", "assign rlast = r_left <= 4'd1;",
             _ZYNQ, "P_last_at_length"),
    Mutation("zynq7_control", "if (lite_awvalid & lite_awready) lite_awvalid <= 1'b0;",
             "lite_awvalid <= 1'b0;", _ZYNQ, "P_lite_address_stays"),
)  # fmt: skip
