const form = document.querySelector("form"), answers = document.getElementById("answers");
const fields = document.getElementById("fields"), chosen = document.getElementById("chosen");
const button = form.querySelector("button"), another = document.getElementById("example"), busy = form.querySelector(".busy");
const structured = JSON.parse(form.dataset.structured);  // kind -> field that is typed as JSON -> an example
const explained = new Set(JSON.parse(form.dataset.explained));  // tasks whose answers have a why
const written = new Set(JSON.parse(form.dataset.written));  // tasks whose answers grow word by word
const token = "token" in form.dataset;  // whether a program has to send one; a browser asks its user
const SHOWN = 5;  // of many classes, the likeliest
const CLOSE = 0.1;  // two answers whose probabilities differ by less are both worth a look
const kept = {};  // what was typed, by field, whichever tasks are chosen
const left = new Set();  // tasks that are not asked
let tasks = {}, kinds = new Map(), release = null, shownExample = -1;
let latest = new AbortController();  // the question that is being answered

const rounded = value => typeof value === "number" && !Number.isInteger(value) ? value.toFixed(3) : String(value);
const isObject = value => value !== null && typeof value === "object" && !Array.isArray(value);

// --- the question ---
const exampleOf = name => (structured[form.kind.value] || {})[name];
const ofKind = () => kinds.get(form.kind.value) || [];
const asked = () => ofKind().filter(name => !left.has(name));

const drawFields = () => fields.replaceChildren(...form.kind.value.split(" ").map((name, number) => {
  const example = exampleOf(name);
  const area = element("textarea", {id: "field-" + name, name, rows: number || example ? 2 : 4, required: true, value: kept[name] || ""});
  if (example) area.placeholder = example;
  area.oninput = () => { kept[name] = area.value; area.setCustomValidity(""); drawCode(); };
  return element("div", {}, element("label", {htmlFor: area.id, textContent: name + (example ? " (as JSON)" : "")}), area);
}));
const drawTasks = () => {
  const boxes = ofKind().map(name => {
    const box = element("input", {type: "checkbox", name: "task", value: name, checked: !left.has(name)});
    box.onchange = () => { box.checked ? left.delete(name) : left.add(name); button.disabled = !asked().length; drawCode(); };
    return element("label", {className: "choice"}, box, element("span", {textContent: name, dir: "auto"}));
  });
  chosen.replaceChildren(chosen.querySelector("legend"), ...boxes);
  chosen.hidden = boxes.length < 2;
};
const draw = () => {
  if (!asked().length) ofKind().forEach(name => left.delete(name));  // of a kind that is hardly asked about nothing
  drawFields(); drawTasks(); drawCode();
  another.hidden = !examples().length;
};

const examples = () => ofKind().map(name => tasks[name].example).filter(one => one && Object.keys(one).length);
const fill = () => {
  const all = examples(), one = all[shownExample = (shownExample + 1) % all.length];
  for (const [name, value] of Object.entries(one)) kept[name] = typeof value === "string" ? value : JSON.stringify(value);
  draw();
};

// A text is sent as it is typed, whatever it looks like; only a structured field is read as JSON.
const value = area => {
  if (!exampleOf(area.name)) return area.value;
  try { return JSON.parse(area.value); } catch (error) {
    area.setCustomValidity("This is not JSON. Expected something like " + exampleOf(area.name));
    area.reportValidity();
    throw error;
  }
};
const question = () => {
  const item = Object.fromEntries([...fields.querySelectorAll("textarea")].map(area => [area.name, value(area)]));
  return {texts: [item], ...among(asked())};
};
const among = names => names.length < ofKind().length ? {tasks: names} : {};

// --- the same from a program ---
const python = value => Array.isArray(value) ? `[${value.map(python).join(", ")}]`
  : isObject(value) ? "{" + Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${python(one)}`).join(", ") + "}"
  : value === null ? "None" : value === true ? "True" : value === false ? "False" : JSON.stringify(value);
const drawCode = () => {
  let body;
  try { body = question(); } catch { return; }
  const url = new URL("predict", location.href.split(/[?#]/)[0]).href;
  document.getElementById("curl").textContent =
    `curl ${url} \\\n  -H 'content-type: application/json' \\\n${token ? `  -H "authorization: Bearer $ONETRUNK_TOKEN" \\\n` : ""}  -d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`;
  document.getElementById("python").textContent = `${token ? "import os\n\n" : ""}import requests\n\nresponse = requests.post("${url}", json=${python(body)}`
    + `${token ? `, headers={"authorization": f"Bearer {os.environ['ONETRUNK_TOKEN']}"}` : ""})\n`
    + `response.raise_for_status()\nprint(response.json()["answers"][0])`;
};
for (const one of document.querySelectorAll("[data-copies]")) one.onclick = async () => {
  const code = document.getElementById(one.dataset.copies);
  try { await navigator.clipboard.writeText(code.textContent); one.textContent = "Copied"; } catch {
    getSelection().selectAllChildren(code);  // a page without TLS may not write to the clipboard
    one.textContent = "Selected";
  }
};

// --- answers of any family, by their shape ---
const bars = pairs => {
  const cells = ([name, share]) => [
    element("span", {textContent: name, title: name, dir: "auto"}),
    element("span", {className: "bar thick", ariaHidden: "true"}, Object.assign(element("i"), {style: `width:${Math.max(0, Math.min(100, 100 * share))}%`})),
    element("span", {className: "number", textContent: rounded(share)})];
  return element("div", {className: "bars small"}, ...pairs.flatMap(cells));
};
const probabilities = scores => {
  const sorted = Object.entries(scores).sort(([, a], [, b]) => b - a);
  const rest = sorted.length > SHOWN + 1 ? sorted.splice(SHOWN) : [];
  const shown = [bars(sorted)];
  if (rest.length) shown.push(element("details", {}, element("summary", {textContent: `and ${rest.length} more`}), bars(rest)));
  return element("div", {}, ...shown);
};
const table = rows => {
  const names = Object.keys(rows[0]), number = name => typeof rows[0][name] === "number" ? "number" : "";
  const row = (tag, one) => element("tr", {}, ...names.map(name => element(tag, {className: number(name), textContent: one(name)})));
  return element("div", {className: "scroll", tabIndex: 0, role: "group", ariaLabel: "details"}, element("table", {className: "small"},
    element("thead", {}, row("th", name => name)), element("tbody", {}, ...rows.map(one => row("td", name => rounded(one[name]))))));
};
// Offsets count code points, as Python does; a string of JavaScript counts UTF-16 units.
const marked = (text, spans) => {
  const points = Array.from(text), parts = [];
  let from = 0;
  for (const {start, end, name} of [...spans].sort((a, b) => a.start - b.start || b.end - a.end)) {
    if (start < from) continue;  // of spans one within another, the outer
    parts.push(points.slice(from, start).join(""));
    parts.push(element("mark", {}, points.slice(start, end).join(""), ...(name ? [element("span", {className: "kind", textContent: name})] : [])));
    from = end;
  }
  parts.push(points.slice(from).join(""));
  return element("p", {className: "marked", dir: "auto"}, ...parts);
};
const areNumbers = values => values.length > 0 && values.every(value => typeof value === "number");
const show = (name, value) => {
  if (isObject(value) && areNumbers(Object.values(value))) return probabilities(value);
  if (name === "probabilities" && Array.isArray(value)) return probabilities(Object.fromEntries(value.map((share, i) => [`choice ${i}`, share])));
  if (Array.isArray(value) && value.length && value.every(isObject)) return table(value);
  const text = Array.isArray(value) ? value.map(rounded).join(", ") || "none" : isObject(value) ? JSON.stringify(value) : value === null ? "none" : rounded(value);
  return element("p", {}, element("span", {className: "soft", textContent: name + " "}), element("b", {textContent: text, dir: "auto"}));
};
const folded = (title, ...children) => element("details", {}, element("summary", {textContent: title}), ...children);

const entities = ({entities: found}, {text}) => [marked(text, found.map(one => ({...one, name: one.type}))), folded("as a table", table(found))];
const words = ({tokens}, {text}) => [marked(text, tokens.map(one => ({...one, name: one.tag}))), folded("as a table", table(tokens))];
const passage = ({answer, start, end, score}, {context}) => [
  answer === null ? element("p", {className: "note", textContent: "The text holds no answer."}) : marked(context, [{start, end}]), show("score", score)];
// What is empty is left out beside what is not.
const plain = answer => {
  const all = Object.entries(answer), said = all.filter(([, value]) => !(Array.isArray(value) && value.length === 0));
  return (said.length ? said : all.slice(0, 1)).map(([name, value]) => show(name, value));
};
const draws = (answer, item) => answer.entities?.length && item.text ? entities
  : answer.tokens?.length && item.text ? words : "start" in answer && item.context ? passage : plain;

// How sure the model is, where its answer says: the best probability against the second.
const sureness = answer => {
  const [best, second] = Object.entries(isObject(answer.probabilities) && "label" in answer ? answer.probabilities : {}).sort(([, a], [, b]) => b - a);
  if (!best || !second) return [];
  const close = best[1] - second[1] < CLOSE;
  const text = close ? `unsure: "${second[0]}" is nearly as likely` : `sure to ${Math.floor(100 * best[1])} %`;
  return [element("span", {className: close ? "badge warning" : "badge", textContent: text, dir: "auto"})];
};
// Why an answer came out as it did: the words without which it would be weaker, or stronger.
const signed = value => (value < 0 ? "\u2212" : "+") + Math.abs(value).toFixed(3);
const ranked = (words, sign) => words.filter(one => sign * one.weight > 0.0005).sort((a, b) => sign * (b.weight - a.weight)).slice(0, 3)
  .map(one => `${one.text} (${signed(one.weight)})`).join(", ");
const shaded = (text, words) => {
  const points = Array.from(text), parts = [], most = Math.max(...words.map(one => Math.abs(one.weight)), 1e-9);
  let from = 0;
  for (const {start, end, weight} of words) {
    const depth = (0.45 * Math.abs(weight) / most).toFixed(2);
    parts.push(points.slice(from, start).join(""), element("span", {
      className: weight < 0 ? "against" : "for", style: `--depth:${depth}`, title: signed(weight), textContent: points.slice(start, end).join("")}));
    from = end;
  }
  parts.push(points.slice(from).join(""));
  return element("p", {className: "marked", dir: "auto"}, ...parts);
};
const reasons = ({words}, item) => {
  if (!words.length) return [element("p", {className: "soft", textContent: "One word alone has nothing to be compared with."})];
  const fields = [...new Set(words.map(one => one.field))], up = ranked(words, 1), down = ranked(words, -1);
  return [
    ...fields.map(field => shaded(item[field], words.filter(one => one.field === field))),
    element("p", {className: "small", textContent: `For the answer: ${up || "none"}. Against it: ${down || "none"}. Each word is left out in turn; a number says by how much the answer then falls.`})];
};
const why = (task, item) => {
  const asks = element("button", {type: "button", className: "quiet small", textContent: "Why?", ariaLabel: `Why this answer of ${task}?`});
  const said = element("div", {ariaLive: "polite"});
  asks.onclick = async () => {
    asks.disabled = true; said.replaceChildren(element("p", {className: "busy", textContent: "leaving out each word in turn"}));
    try {
      const {ok, found} = await post("explain", {texts: [item], tasks: [task]});
      said.replaceChildren(...(ok ? reasons(found.explanations[task], item) : [element("p", {className: "note error", textContent: found.error})]));
    } catch { said.replaceChildren(element("p", {className: "note error", textContent: "The service cannot be reached."})); }
    asks.disabled = false;
  };
  return [element("p", {className: "why"}, asks), said];
};
const card = item => ([task, answer]) => element("section", {},
  element("header", {}, element("h2", {textContent: task, dir: "auto"}), ...sureness(answer)),
  element("div", {className: "card"}, ...draws(answer, item)(answer, item), ...(explained.has(task) && Object.values(item).every(one => typeof one === "string") ? why(task, item) : [])));

// What is written so far; it is read out when it is whole.
const growing = (task, answer) => element("section", {ariaBusy: "true"}, element("header", {}, element("h2", {textContent: task, dir: "auto"}),
  element("span", {className: "busy", textContent: "writing"})), element("div", {className: "card"}, element("p", {className: "marked", dir: "auto", textContent: answer.text})));

// --- asking ---
const fail = sentence => answers.replaceChildren(element("p", {className: "note error", role: "alert", textContent: sentence}));
const sent = (path, body, signal) => fetch(path, {method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify(body), signal});
const refused = async response => ({ok: false, found: {error: (await response.json().catch(() => ({}))).error || `The service answered ${response.status}.`}});
const post = async (path, body, signal) => {
  const response = await sent(path, body, signal);
  if (!response.ok) return refused(response);
  release = response.headers.get("x-onetrunk-release") || release;  // it may change while the page is open
  const found = await response.json().catch(() => null);
  return found ? {ok: true, found} : {ok: false, found: {error: `The service answered ${response.status} and no JSON.`}};
};
// Lines of JSON: answers so far, which are `heard`, and at last the whole.
const stream = async (body, signal, heard) => {
  const response = await sent("stream", body, signal);
  if (!response.ok) return refused(response);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "", last = {};
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    const lines = (rest + read.value).split("\n");
    rest = lines.pop();
    for (const line of lines) { last = JSON.parse(line); if (last.so_far) heard(last.so_far); }
  }
  return last.answers ? {ok: true, found: last} : {ok: false, found: {error: last.error || "The service has ended in the middle of its answer."}};
};
const ask = async () => {
  let body;
  try { body = question(); } catch { return; }
  latest.abort();  // nobody waits for what was asked before
  const {signal} = latest = new AbortController(), began = performance.now(), item = body.texts[0];
  const places = new Map(asked().map(task => [task, element("div", {})]));
  const [slow, quick] = [true, false].map(slow => [...places.keys()].filter(task => written.has(task) === slow));
  const put = (all, drawn) => { if (!signal.aborted) for (const [task, answer] of Object.entries(all)) places.get(task).replaceChildren(drawn(task, answer)); };
  const done = ({ok, found}) => {
    if (!ok) throw Object.assign(new Error(found.error), {said: true});
    put(found.answers[0], (task, answer) => card(item)([task, answer]));
    return found.version;
  };
  answers.replaceChildren(...places.values());
  busy.hidden = false; button.disabled = true;
  try {
    const versions = await Promise.all([
      ...(quick.length ? [post("predict", {texts: [item], ...among(quick)}, signal).then(done)] : []),
      ...(slow.length ? [stream({texts: [item], ...among(slow)}, signal, all => put(all, growing)).then(done)] : [])]);
    const who = `${release ? `Release ${release}` : "A release without a name"} (Bento ${[...new Set(versions)].join(", ")}) answered in ${Math.round(performance.now() - began)} ms.`;
    if (!signal.aborted) answers.append(element("p", {className: "soft small who", textContent: who}));
  } catch (error) {
    if (!signal.aborted) fail(error.said ? error.message : "The service cannot be reached. Is it still running?");
  } finally {
    if (signal === latest.signal) { busy.hidden = true; button.disabled = false; latest.abort(); }
  }
};

form.kind.onchange = () => { shownExample = -1; draw(); };
form.onsubmit = event => { event.preventDefault(); ask(); };
form.onkeydown = event => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(button); };
another.onclick = () => { fill(); ask(); };

const start = async () => {
  ({tasks, release} = await (await fetch("tasks")).json());
  for (const [name, task] of Object.entries(tasks)) {
    const key = task.inputs.join(" ");
    kinds.set(key, [...(kinds.get(key) || []), name]);
  }
  for (const [key, names] of kinds)
    form.kind.append(element("option", {value: key, textContent: `${key.replaceAll(" ", ", ")} (${names.join(", ")})`}));
  // A question can be linked to: /?text=...
  const linked = Object.fromEntries(new URLSearchParams(location.search));
  const fits = [...kinds.keys()].find(key => key.split(" ").every(name => linked[name]) && key.split(" ").length === Object.keys(linked).length);
  if (fits) { Object.assign(kept, linked); form.kind.value = fits; }
  draw();
  button.disabled = another.disabled = false;
  if (fits) ask();
};
start().catch(() => fail("The service cannot be reached: its tasks are not known. Load the page again."));
