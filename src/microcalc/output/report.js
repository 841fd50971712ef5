"use strict";

// Marks and outlines: shown or not, and from which score on.
const scored = [...document.querySelectorAll(".picture [data-score], .crop [data-score]")];
const least = document.getElementById("least");

function toggle(id, name) {
  const shown = document.body.classList.toggle(name);
  const pressed = name.startsWith("no-") ? !shown : shown;
  document.getElementById(id).setAttribute("aria-pressed", String(pressed));
}

function filter() {
  // The slider's end is rounded up, so that the threshold itself keeps every mark.
  const from = Number(least.value) - 5e-5;
  for (const shape of scored) shape.classList.toggle("below", Number(shape.dataset.score) < from);
  const circles = scored.filter((shape) => shape.matches(".picture circle"));
  const shown = circles.filter((circle) => !circle.classList.contains("below"));
  document.getElementById("value").textContent = Number(least.value).toFixed(2);
  document.getElementById("tally").textContent = `${shown.length} of ${circles.length} marks`;
}

const switches = { m: ["marks", "no-marks"], c: ["crop-marks", "crop-marks"] };
for (const [id, name] of Object.values(switches)) {
  document.getElementById(id).addEventListener("click", () => toggle(id, name));
}
document.addEventListener("keydown", (event) => {
  const chosen = switches[event.key.toLowerCase()];
  if (chosen && !event.ctrlKey && !event.metaKey && !event.altKey) toggle(...chosen);
});
least.addEventListener("input", filter);
filter();

// Tables: a click on a column's header sorts by it, another turns the order round.
function sort(header) {
  const body = header.closest("table").tBodies[0];
  const column = header.cellIndex;
  const down = header.getAttribute("aria-sort") === "ascending";
  const order = new Intl.Collator("en", { numeric: true });
  const rows = [...body.rows].sort((a, b) => {
    const [x, y] = [a, b].map((row) => row.cells[column].textContent.trim());
    // Unknown values stay at the end, whichever way round.
    if (x === "–" || y === "–") return (x === "–") - (y === "–");
    return (isNaN(x) || isNaN(y) ? order.compare(x, y) : x - y) * (down ? -1 : 1);
  });
  for (const other of header.parentNode.cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", down ? "descending" : "ascending");
  body.append(...rows);
}
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => sort(button.closest("th")));
}
