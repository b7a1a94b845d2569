"use strict";
const by = (id) => document.getElementById(id);
let stopping = null;

function headers() {
  const key = by("key").value;
  return { "content-type": "application/json", ...(key ? { authorization: `Bearer ${key}` } : {}) };
}

async function about() {
  const answer = await fetch("stats", { headers: headers() });
  if (!answer.ok) return;
  const s = await answer.json();
  by("about").textContent = `${s.model} on engine ${s.engine}${s.note ? ` (${s.note})` : ""}` +
    (s.clock_hz ? `, fabric clock ${(s.clock_hz / 1e6).toFixed(1)} MHz` : "");
  const share = s.busy_seconds ? s.engine_seconds / s.busy_seconds : 0;
  by("where").textContent = `Since its start: ${s.tokens_written} tokens written in ${s.passes} passes; ` +
    `${(100 * share).toFixed(0)}% of the time in the engine, the rest in choosing tokens (measured); ` +
    `${s.texts_running} running, ${s.texts_waiting} waiting.`;
}

// On a board: a bar for each layer and the LM head.
async function records() {
  const answer = await fetch("records", { headers: headers() });
  const found = answer.ok ? (await answer.json()).records : null;
  if (!found) return;
  const most = Math.max(...found.map((r) => r.seconds_measured));
  const total = found.reduce((sum, r) => sum + r.seconds_measured, 0);
  const row = (name, seconds, bar) => {
    const tr = document.createElement("tr");
    const time = `${(1000 * seconds).toFixed(2)} ms`;
    for (const part of [name, time, ...(bar ? [bar] : [])]) {
      const td = document.createElement("td");
      td.append(part);
      tr.append(td);
    }
    return tr;
  };
  const bars = found.map((r) => {
    const bar = document.createElement("meter");
    bar.max = most;
    bar.value = r.seconds_measured;
    return row(r.name, r.seconds_measured, bar);
  });
  const head = document.createElement("caption");
  head.textContent = "A token by record, a start for each (measured)";
  by("records").replaceChildren(head, ...bars, row("together", total));
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    held += value;
    const parts = held.split("\n\n");
    held = parts.pop();
    for (const part of parts) if (part !== "data: [DONE]") yield JSON.parse(part.slice(6));
  }
}

async function write() {
  const prompt = by("prompt").value, seed = by("seed").value;
  const request = {
    prompt, stream: true, max_tokens: Number(by("tokens").value),
    temperature: Number(by("temperature").value), top_p: 0.95, top_k: 40, repetition_penalty: 1.05,
    stream_options: { include_usage: true }, ...(seed ? { seed: Number(seed) } : {}),
  };
  by("text").textContent = prompt;
  by("rate").textContent = "";
  stopping = new AbortController();
  let first = 0, count = 0;
  const answer = await fetch("v1/completions", {
    method: "POST", headers: headers(), body: JSON.stringify(request), signal: stopping.signal,
  });
  if (!answer.ok) throw new Error((await answer.json()).error.message);
  for await (const e of events(answer.body)) {
    if (e.error) throw new Error(e.error.message);
    if (e.usage) count = e.usage.completion_tokens;
    else { count += 1; by("text").textContent += e.choices[0].text; }
    first ||= performance.now();
    const seconds = (performance.now() - first) / 1000;
    if (count > 1 && seconds) by("rate").textContent =
      `${count} tokens, ${((count - 1) / seconds).toFixed(0)} tokens/s (measured)`;
  }
}

by("form").addEventListener("submit", async (e) => {
  e.preventDefault();
  by("write").disabled = true;
  by("stop").disabled = false;
  try { await write(); } catch (error) {
    if (error.name !== "AbortError") by("rate").textContent = error.message;
  }
  by("write").disabled = false;
  by("stop").disabled = true;
  about();
  records();
});
by("stop").addEventListener("click", () => stopping?.abort());
by("key").addEventListener("change", () => { about(); records(); });
about();
records();
