import { expect, it } from "vitest";

/** Style sheets are global, and some are loaded late: without these rules one could change what another has drawn. */
const sheets = import.meta.glob<string>("../src/**/*.css", { query: "?raw", import: "default", eager: true });

/** Sheets of what is used everywhere: elements, and classes that other sheets may refine for their own. */
const SHARED = new Set(["base.css", "dialog.css"]);

/** Classes of one sheet that others may refine inside of their own, by the sheet that does. */
const REFINED: Readonly<Record<string, readonly string[]>> = {
  "account_button.css": ["dot", "with-panel"],
  "app.css": ["conversation", "sidebar", "conversations", "letter", "panel", "row", "scroller"],
  "bell_button.css": ["count"],
  "connection_line.css": ["conversation"],
  "conversation_list.css": ["dot", "portrait"],
  "details_panel.css": ["alerts", "panel-content"],
  "alert_settings.css": ["sound-choice"],
  "message_badges.css": ["message", "row", "shown"],
  "offer_card.css": ["nothing-said", "panel"],
  "avatar_with_presence.css": ["dot"],
  "search.css": ["conversations"],
  "timeline_view.css": ["text"],
};

interface Selector {
  readonly sheet: string;
  readonly text: string;
  readonly classes: readonly string[];
  /** Those of its first element. */
  readonly scope: readonly string[];
}

const classesIn = (text: string): string[] => [...text.matchAll(/\.([a-z][\w-]*)/gi)].map(([, name = ""]) => name);

function selectorsOf(path: string, css: string): Selector[] {
  const sheet = path.split("/").at(-1) ?? "";
  const plain = css.replaceAll(/\/\*.*?\*\//gs, "").replaceAll(/@keyframes[^{]+\{(?:[^{}]*\{[^{}]*\})*\s*\}/g, "");
  return [...plain.matchAll(/([^{};]+)\{/g)]
    .flatMap(([, list = ""]) => list.split(/,(?![^(]*\))/))
    .map((each) => each.trim())
    .filter((text) => !text.startsWith("@"))
    .map((text) => ({ sheet, text, classes: classesIn(text), scope: classesIn(text.split(/[\s>+~]/)[0] ?? "") }));
}

const selectors = Object.entries(sheets).flatMap(([path, css]) => selectorsOf(path, css));
const own = selectors.filter(({ sheet }) => !SHARED.has(sheet));

const refines = (sheet: string, name: string): boolean => REFINED[sheet]?.includes(name) === true;

/** The sheets that begin a selector with this class alone, and so style whatever has it. */
function owners(name: string): string[] {
  const begun = selectors.filter(({ scope }) => scope.length > 0 && scope.every((each) => each === name));
  return [...new Set(begun.map(({ sheet }) => sheet))].filter((sheet) => !refines(sheet, name));
}

it("finds the style sheets", () => {
  expect(Object.keys(sheets).length).toBeGreaterThan(30);
  expect(selectors.length).toBeGreaterThan(300);
});

it("no sheet but the shared ones styles elements wherever they are", () => {
  expect(own.filter(({ classes }) => classes.length === 0).map(({ sheet, text }) => `${sheet}: ${text}`)).toEqual([]);
});

it("a class belongs to one sheet", () => {
  const names = new Set(selectors.flatMap(({ classes }) => classes));
  expect([...names].filter((name) => owners(name).length > 1)).toEqual([]);
});

it("a sheet leaves alone what belongs to another, but where it is known to refine it", () => {
  const intrusions = own.filter(({ sheet, classes }) =>
    classes.some((name) => {
      const [owner] = owners(name);
      return owner !== undefined && owner !== sheet && !SHARED.has(owner) && !refines(sheet, name);
    }),
  );
  expect(intrusions.map(({ sheet, text }) => `${sheet}: ${text}`)).toEqual([]);
});
