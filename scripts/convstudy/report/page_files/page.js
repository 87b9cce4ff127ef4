"use strict";
// Everything is on the page without this script, too: it hides, sorts, filters, copies, enlarges.

const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// One of several parts is shown; choosers of the same name move together.
function choose(name, value) {
  for (const select of all(`select[data-chooses="${name}"]`)) select.value = value;
  for (const part of all(`[data-group="${name}"]`)) part.hidden = part.dataset.choice !== value;
}
for (const select of all("select[data-chooses]")) {
  select.addEventListener("change", () => {
    const before = select.getBoundingClientRect().top;
    choose(select.dataset.chooses, select.value);
    window.scrollBy(0, select.getBoundingClientRect().top - before);
  });
  choose(select.dataset.chooses, "0");
}

// Tables: numbers are sorted by their exact value, empty cells last.
const valueOf = (cell) => cell.dataset.value ?? cell.textContent.trim();

function sort(table, column, descending) {
  const body = table.tBodies[0];
  const sign = descending ? -1 : 1;
  const order = (one, other) => {
    const [a, b] = [valueOf(one.cells[column]), valueOf(other.cells[column])];
    if (a === "" || b === "") return (a === "") - (b === "");
    const numbers = [Number(a), Number(b)];
    if (numbers.every(Number.isFinite)) return sign * (numbers[0] - numbers[1]);
    return sign * a.localeCompare(b, undefined, {numeric: true});
  };
  body.append(...[...body.rows].sort(order));
  for (const head of table.tHead.rows[0].cells) head.removeAttribute("aria-sort");
  table.tHead.rows[0].cells[column].setAttribute(
    "aria-sort", descending ? "descending" : "ascending");
}
for (const button of all(".sort")) {
  const head = button.closest("th");
  button.addEventListener("click", () => sort(
    head.closest("table"), head.cellIndex, head.getAttribute("aria-sort") === "ascending"));
}

// A row stays if it has every word that is typed.
function filter(table, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of table.tBodies[0].rows) {
    const said = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => said.includes(word));
  }
}
for (const input of all("input[type=search]")) {
  input.addEventListener("input", () => filter(
    input.closest(".grid-block").querySelector("table"), input.value));
}

// The rows and columns that are shown, as texts.
function shownCells(table) {
  const rows = [table.tHead.rows[0], ...table.tBodies[0].rows];
  const text = (cell) => (cell.querySelector(".sort") ?? cell).textContent.trim()
    .replace(/\s+/g, " ");
  return rows.filter((row) => !row.hidden)
    .map((row) => [...row.cells].filter((cell) => !cell.hidden).map(text));
}
const quoted = (text) => /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
const latexSigns = {"\\": "\\textbackslash{}", "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}", "−": "$-$", "±": "$\\pm$", "–": "--"};
const latexed = (text) => text.replace(/[\\~^&%$#_{}−±–]/g, (sign) =>
  latexSigns[sign] ?? `\\${sign}`);

// What the buttons copy: a table as "csv" or "latex" (with the package booktabs).
function asText(table, kind) {
  const rows = shownCells(table);
  if (kind === "csv") return rows.map((row) => row.map(quoted).join(",")).join("\n") + "\n";
  const [head, ...body] = rows.map((row) => row.map(latexed).join(" & ") + " \\\\");
  return ["\\begin{tabular}{l" + "r".repeat(rows[0].length - 1) + "}", "\\toprule", head,
    "\\midrule", ...body, "\\bottomrule", "\\end{tabular}", ""].join("\n");
}
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {  // a page from a file may not be allowed to
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}
for (const button of all("[data-copy]")) {
  const place = button.closest(".grid-block") ?? button.closest("section");
  const said = button.textContent;
  button.title = `Copy what is shown as ${said}`;
  button.addEventListener("click", async () => {
    await copy(asText(place.querySelector("table.grid"), button.dataset.copy));
    button.textContent = "copied";
    setTimeout(() => { button.textContent = said; }, 1200);
  });
}

// What a word means stands below the word, inside the window.
for (const button of all(".term")) {
  button.addEventListener("click", () => {
    const words = document.getElementById(button.getAttribute("popovertarget"));
    const [at, box] = [button.getBoundingClientRect(), words.getBoundingClientRect()];
    const inside = (place, most) => `${Math.max(8, Math.min(place, most - 8))}px`;
    words.style.inset = "auto";
    words.style.margin = "0";
    words.style.left = inside(at.left, innerWidth - box.width);
    words.style.top = inside(at.bottom + 8, innerHeight - box.height);
  });
}

// Settings: two variants beside each other, or all; what is equal only on request.
const settings = document.getElementById("settings-table");
function showSettings() {
  const chosen = ["one", "other"].map((id) => document.getElementById(id).value);
  const both = chosen[0] !== "" && chosen[1] !== "" && chosen[0] !== chosen[1];
  const columns = both ? chosen.map((value) => Number(value) + 1) : null;
  let hidden = 0;
  for (const row of [settings.tHead.rows[0], ...settings.tBodies[0].rows]) {
    [...row.cells].forEach((cell, place) => {
      cell.hidden = place > 0 && both && !columns.includes(place);
    });
    if (row.parentElement === settings.tHead) continue;
    const unlike = both
      ? row.cells[columns[0]].textContent !== row.cells[columns[1]].textContent
      : !row.classList.contains("equal");
    row.hidden = !unlike && !document.getElementById("equal").checked;
    hidden += row.hidden;
    for (const cell of row.cells) cell.classList.toggle("unlike", both && unlike);
  }
  document.getElementById("settings-words").textContent = hidden
    ? `${hidden} settings that are equal in ${both ? "both" : "all variants"} are not shown.` : "";
}
for (const id of ["one", "other", "equal"]) {
  document.getElementById(id).addEventListener("change", showSettings);
}
showSettings();

// Pictures enlarge. A small photograph is enlarged as it is, pixel by pixel.
const dialog = document.getElementById("large");
for (const button of all(".zoom")) {
  button.addEventListener("click", () => {
    const beside = button.closest(".choice")?.querySelector(".matrix");
    const picture = (button.querySelector("img, svg") ?? beside).cloneNode(true);
    picture.classList.toggle("tiny", (picture.naturalWidth ?? 0) > 0 && picture.naturalWidth < 200);
    const words = button.closest("figure")?.querySelector("figcaption");
    dialog.lastElementChild.replaceChildren(picture, ...(words ? [words.cloneNode(true)] : []));
    const counts = button.closest(".choice")?.querySelector(".counts");
    if (picture.classList.contains("matrix")) tipsOf(picture, JSON.parse(counts.textContent));
    dialog.showModal();
  });
}
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

// The confusion matrix says which cell is under the pointer.
const tip = document.getElementById("tip");
function tipsOf(matrix, {names, counts}) {
  const found = new Map(counts.map(([row, column, count]) => [row * names.length + column, count]));
  const totals = new Array(names.length).fill(0);
  for (const [row, , count] of counts) totals[row] += count;
  const show = (event) => {
    const box = matrix.querySelector(".ground").getBoundingClientRect();
    const at = (part) => Math.min(names.length - 1, Math.max(0, Math.floor(names.length * part)));
    const column = at((event.clientX - box.left) / box.width);
    const row = at((event.clientY - box.top) / box.height);
    const count = found.get(row * names.length + column) ?? 0;
    tip.textContent = `${names[row]} → ${names[column]}: ${count} of ${totals[row]}`;
    (matrix.closest("dialog") ?? document.body).append(tip);
    tip.hidden = false;
    const width = tip.offsetWidth;
    tip.style.left = `${Math.max(4, Math.min(innerWidth - width - 4, event.clientX + 14))}px`;
    tip.style.top = `${Math.max(4, event.clientY - tip.offsetHeight - 12)}px`;
  };
  matrix.addEventListener("pointermove", show);
  matrix.addEventListener("pointerdown", show);
  matrix.addEventListener("pointerleave", () => { tip.hidden = true; });
}
for (const script of all("script.counts")) {
  const matrix = script.closest(".choice").querySelector(".matrix");
  if (matrix) tipsOf(matrix, JSON.parse(script.textContent));
}
