const EVERY = 5, BACK = 10, KEPT = 120;  // seconds between two looks, and looks that are kept: ten minutes
const looks = [];  // {time, series}: what the metrics said, the latest last
const place = id => document.getElementById(id);
const rounded = value => !Number.isFinite(value) ? "none" : value >= 100 || Number.isInteger(value) ? Math.round(value).toLocaleString("en") : value.toPrecision(2);
const milliseconds = value => Number.isFinite(value) ? `${rounded(value * 1000)} ms` : "none";

// --- Prometheus' text format: name{label="value",...} number ---
const parse = text => {
  const series = [];
  for (const line of text.split("\n")) {
    const found = line.match(/^([a-z_]\w*)(?:\{(.*)\})? (\S+)$/i);
    if (!found) continue;
    const labels = Object.fromEntries([...(found[2] || "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value.replace(/\\(.)/g, (_, one) => one === "n" ? "\n" : one)]));
    series.push({name: found[1], labels, value: Number(found[3].replace("+Inf", "Infinity"))});
  }
  return series;
};
const fits = (labels, wanted) => Object.entries(wanted).every(([name, value]) => value instanceof RegExp ? value.test(labels[name] || "") : labels[name] === value);
const total = (look, name, wanted = {}) => look.series.filter(one => one.name === name && fits(one.labels, wanted)).reduce((sum, one) => sum + one.value, 0);
const values = (look, name, label) => [...new Set(look.series.filter(one => one.name === name).map(one => one.labels[label]))];
// What was added between two looks; a service that was started again counts from nought.
const added = (from, to, name, wanted) => { const after = total(to, name, wanted), before = from ? total(from, name, wanted) : 0; return after < before ? after : after - before; };

const quantile = (from, to, name, share, wanted = {}) => {
  const bounds = values(to, `${name}_bucket`, "le").map(one => [one, Number(one.replace("+Inf", "Infinity"))]).sort(([, a], [, b]) => a - b);
  const counts = bounds.map(([le]) => added(from, to, `${name}_bucket`, {...wanted, le}));
  const rank = share * (counts.at(-1) || NaN), at = counts.findIndex(one => one >= rank);
  if (at < 0) return NaN;
  const low = at ? bounds[at - 1][1] : 0, high = bounds[at][1], before = at ? counts[at - 1] : 0;
  return Number.isFinite(high) ? low + (high - low) * (rank - before) / (counts[at] - before || 1) : low;
};
const mean = (from, to, name, wanted) => added(from, to, `${name}_sum`, wanted) / added(from, to, `${name}_count`, wanted);

// --- what is shown ---
const ASKED = {endpoint: /^\/(predict|stream|explain)$/};
const rates = () => looks.slice(1).map((look, at) => added(looks[at], look, "bentoml_service_request_total", ASKED) / (look.time - looks[at].time));
// A line from 0 up; `near`, from a fifth below the largest, where that shows more.
const spark = (numbers, said, near = false) => {
  const width = 240, height = near ? 30 : 48, most = Math.max(...numbers, 1e-9), least = near ? Math.min(...numbers, 0.8 * most) : 0, step = width / Math.max(numbers.length - 1, 1);
  const points = numbers.map((value, at) => `${(at * step).toFixed(1)},${(height - 2 - (height - 4) * (value - least) / (most - least)).toFixed(1)}`).join(" ");
  const holder = element("div", {});
  holder.innerHTML = `<svg viewBox="0 0 ${width} ${height}" width="100%" height="${height}" preserveAspectRatio="none" role="img"><polyline points="${points}" fill="none" stroke="var(--c1)" stroke-width="2"/></svg>`;
  holder.firstChild.ariaLabel = said;
  return holder;
};
const number = (title, value, remark, ...more) => element("div", {className: "card"}, element("h3", {textContent: title}), element("p", {className: "figure", textContent: value}), element("p", {className: "soft small", textContent: remark}), ...more);
const rows = (table, heads, body) => table.replaceChildren(
  element("thead", {}, element("tr", {}, ...heads.map((head, at) => element("th", {textContent: head, className: at && typeof body[0]?.[at] === "string" ? "number" : ""})))),
  element("tbody", {}, ...body.map(cells => element("tr", {}, ...cells.map((cell, at) => {
    const made = element("td", {className: typeof cell === "string" && at ? "number" : "", dir: "auto"}, cell);
    made.dataset.label = heads[at];
    return made;
  })))));

const drawNumbers = (from, to) => {
  const all = rates(), refused = values(to, "onetrunk_refused_total", "reason").map(reason => [reason, total(to, "onetrunk_refused_total", {reason})]).filter(([, count]) => count);
  place("numbers").replaceChildren(
    number("Requests a second", rounded(all.at(-1) ?? NaN), `${rounded(total(to, "bentoml_service_request_total", ASKED))} since the start, ${rounded(total(to, "bentoml_service_request_in_progress", ASKED))} in progress`, ...(all.length > 1 ? [spark(all, "requests a second over the last minutes")] : [])),
    number("Texts that wait", rounded(total(to, "onetrunk_waiting_texts")), `the oldest for ${milliseconds(total(to, "onetrunk_waiting_seconds"))} at the last pass`),
    number("Texts a pass", rounded(mean(from, to, "onetrunk_pass_texts")), `of ${rounded(mean(from, to, "onetrunk_pass_tokens"))} tokens together, on average`),
    number("Refused or left", rounded(refused.reduce((sum, [, count]) => sum + count, 0)), refused.map(([reason, count]) => `${reason}: ${rounded(count)}`).join(", ") || "none since the start"));
};
const drawLatency = (from, to) => {
  const line = (title, name, wanted) => [title, ...[0.5, 0.95, 0.99].map(share => milliseconds(quantile(from, to, name, share, wanted)))];
  rows(place("latency"), ["", "p50", "p95", "p99"], [
    line("a request", "bentoml_service_request_duration_seconds", ASKED), ...values(to, "onetrunk_part_seconds_count", "part").map(part => line(part, "onetrunk_part_seconds", {part}))]);
};
const drawAnswers = (from, to) => rows(place("answers"), ["Task", "Answers", "Confidence", "since the start", "Most frequent labels"], values(to, "onetrunk_answers_total", "task").map(task => {
  const labels = values({series: to.series.filter(one => one.labels.task === task)}, "onetrunk_labels_total", "label");
  const counted = labels.map(label => [label, added(from, to, "onetrunk_labels_total", {task, label})]).filter(([, count]) => count).sort(([, a], [, b]) => b - a);
  const all = counted.reduce((sum, [, count]) => sum + count, 0);
  return [task, rounded(added(from, to, "onetrunk_answers_total", {task})), rounded(mean(from, to, "onetrunk_confidence", {task})), rounded(mean(null, to, "onetrunk_confidence", {task})),
    counted.slice(0, 3).map(([label, count]) => `${label} ${Math.round(100 * count / all)} %`).join(", ") || "none"];
}));
const draw = () => {
  const to = looks.at(-1), from = added(looks[0], to, "bentoml_service_request_total", ASKED) ? looks[0] : null;  // quiet: since the start
  place("since").textContent = from ? `the last ${Math.max(1, Math.round((to.time - from.time) / 60))} min; requests a second: the last ${EVERY} s` : "since the start";
  drawNumbers(from, to); drawLatency(from, to); drawAnswers(from, to);
};

// --- what is known of days and releases ---
const day = when => when.slice(0, 10), minute = when => `${day(when)} ${when.slice(11, 16)}`;
const orNone = (id, heads, body, none) => body.length ? rows(place(id), heads, body) : place(id).replaceChildren(element("caption", {className: "soft", textContent: none}));
const drawChampions = ({champions}) => orNone("champions", ["Since (UTC)", "Release", "How", "Verdict"], champions.map(one => [
  minute(one.since), element("b", {textContent: one.release}), element("span", {textContent: [one.action, one.why, one.because && `asked for by ${one.because}`].filter(Boolean).join(": ")}),
  one.report ? element("a", {href: `report?release=${encodeURIComponent(one.release)}`, textContent: one.verdict, ariaLabel: `${one.verdict}: the report of ${one.release}`}) : element("span", {textContent: one.verdict})]),
  "Known where `onetrunk serve` runs in the project.");
const drawTrials = ({trials}) => {
  const going = trials.find(one => one.state === "running");
  place("trying").textContent = going ? `${going.kind}: ${going.release} beside ${going.beside}` : "";
  orNone("trials", ["Began (UTC)", "Release", "As", "State", "Answered", "Compared", "Differ"], trials.map(one => [
    minute(one.began), element("b", {textContent: one.release}), element("span", {textContent: `${one.kind} of ${Math.round(100 * one.share)} % beside ${one.beside}`}),
    element("span", {className: one.state === "fell back" ? "badge error" : "badge", textContent: [one.state, one.why].filter(Boolean).join(": ")}),
    rounded(one.answered), rounded(one.compared), one.differ === null ? "none" : `${(100 * one.differ).toFixed(1)} %`]), "None.");
};
const drawDays = ({days}) => {
  const line = (title, of, said) => {
    const known = days.map(of).filter(Number.isFinite);
    return known.length ? [[title, spark(known, `${title}, day by day: from ${said(known[0])} to ${said(known.at(-1))}`, true), said(known[0]), said(known.at(-1))]] : [];
  };
  const tasks = [...new Set(days.flatMap(one => Object.keys(one.confidence)))], percent = value => `${(100 * value).toFixed(1)} %`;
  orNone("days", ["", days.length ? `${days[0].day} to ${days.at(-1).day}` : "", "First", "Last"], [
    ...line("Texts that were recorded", one => one.texts, rounded), ...line("Characters of a text", one => one.characters, rounded),
    ...line("Tokens that are unknown", one => one.unknown, percent), ...tasks.flatMap(task => line(`Confidence of ${task}`, one => one.confidence[task], value => value.toFixed(3)))],
    "Nothing is recorded; `traffic` in params.yaml says what may be.");
};
const drawDrift = ({drift}) => orNone("drift", ["Days", "Release", "Found", "Texts"], drift.map(one => [
  one.first === one.last ? one.first : `${one.first} to ${one.last}`, element("span", {textContent: one.release}),
  element("span", {}, element("span", {className: one.alarm ? "badge error" : "badge", textContent: one.alarm ? "alarm" : "as before"}), " ",
    one.alarm ? [...one.moved, ...one.worse.map(task => `feedback: ${task} is worse`)].join("; ") : ""), rounded(one.texts)]), "No day has been judged: the command “onetrunk traffic” does that.");
const lookBack = async () => {
  try {
    const found = await (await fetch("history")).json();
    place("who").textContent = `${found.release || "a release without a name"} (Bento ${found.version})`;
    for (const one of [drawChampions, drawTrials, drawDays, drawDrift]) one(found);
  } catch { /* `look` says that the service cannot be reached */ }
  setTimeout(lookBack, BACK * 1000);
};

const state = (sentence, wrong) => { const one = place("state"); one.textContent = sentence; one.className = wrong ? "note error" : "note"; };
const look = async () => {
  try {
    const [metrics, ready] = await Promise.all([fetch("metrics"), fetch("readyz")]);
    looks.push({time: Date.now() / 1000, series: parse(await metrics.text())});
    if (looks.length > KEPT) looks.shift();
    state(ready.ok ? "Ready: it answers." : `Not ready (${ready.status}).`, !ready.ok);
    draw();
  } catch { state("The service cannot be reached. Is it still running?", true); }
  setTimeout(look, EVERY * 1000);
};
look();
lookBack();
