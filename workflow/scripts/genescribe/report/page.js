/** The theme button: follows the system until it is pressed. */
function setUpTheme() {
  const button = document.querySelector(".theme");
  const root = document.documentElement;
  const isDark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const name = () => { button.textContent = isDark() ? "Light" : "Dark"; };
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    name();
  });
  name();
}

/** Whole number with thousands separators. */
function grouped(number) {
  return number.toLocaleString("en-US");
}

/** A new element with properties and children; text is never read as HTML. */
function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

/** On paper every explanation is open. */
function openForPrint() {
  const closed = [...document.querySelectorAll("details:not([open])")];
  addEventListener("beforeprint", () => closed.forEach((details) => { details.open = true; }));
  addEventListener("afterprint", () => closed.forEach((details) => { details.open = false; }));
}

setUpTheme();
openForPrint();
const views = [...document.querySelectorAll(".genome")].map((root) => {
  const genome = new Genome(root.querySelector("script").textContent);
  const view = new GenomeView(root, genome);
  const species = root.closest("section");
  const table = species.querySelector(".differences");
  if (table) new GeneTable(table, genome, view);
  view.start();
  return view;
});
document.documentElement.dataset.ready = String(views.length);
