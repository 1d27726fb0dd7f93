import { expect, it } from "vitest";

/** Style sheets are global, and some are loaded late. Without these rules, one could change what another has styled. */
const sheets = import.meta.glob<string>("../src/**/*.css", { query: "?raw", import: "default", eager: true });

/** Sheets of what is used everywhere: elements, and classes that other sheets may refine for their own. */
const SHARED = new Set(["base.css", "dialog.css"]);

/** By sheet: classes of other sheets that it may refine within its own. */
const REFINED: Readonly<Record<string, readonly string[]>> = {
  "account_button.css": ["count", "with-panel"],
  "action_sheet.css": ["question-preview"],
  "app.css": ["conversation", "sidebar", "conversations", "empty-state", "letter", "panel", "row", "scroller"],
  "bell_button.css": ["count"],
  "composer.css": ["recording"],
  "connection_line.css": ["conversation"],
  "conversation_list.css": ["person-handle", "portrait", "tick"],
  "conversation_view.css": ["count"],
  "details_panel.css": ["alerts", "panel-content"],
  "alert_settings.css": ["sound-choice", "switch"],
  "message_badges.css": ["after-name", "message", "row", "shown"],
  "message_parts.css": ["rating-place", "said"],
  "message_view.css": ["after-name", "attachments", "code-block", "pictures"],
  "attachments.css": ["file-name"],
  "avatar_with_presence.css": ["dot"],
  "folded.css": ["panel-content", "shown"],
  "files_panel.css": ["picture", "file-name", "find"],
  "search.css": ["conversations"],
  "settings.css": ["picture-field"],
  "sidebar.css": ["count", "unread"],
  "timeline_view.css": ["authored", "message", "text", "tray"],
  "toast.css": ["screen", "side-buttons", "start-button"],
};

interface Selector {
  readonly sheet: string;
  readonly text: string;
  readonly classes: readonly string[];
  /** The classes of its first element. */
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

/** The sheets with a selector that starts with this class alone, and so styles every use of it. */
function owners(name: string): string[] {
  const begun = selectors.filter(({ scope }) => scope.length > 0 && scope.every((each) => each === name));
  return [...new Set(begun.map(({ sheet }) => sheet))].filter((sheet) => !refines(sheet, name));
}

it("finds the style sheets", () => {
  expect(Object.keys(sheets).length).toBeGreaterThan(30);
  expect(selectors.length).toBeGreaterThan(300);
});

it("only shared sheets style elements everywhere", () => {
  expect(own.filter(({ classes }) => classes.length === 0).map(({ sheet, text }) => `${sheet}: ${text}`)).toEqual([]);
});

it("a class belongs to one sheet", () => {
  const names = new Set(selectors.flatMap(({ classes }) => classes));
  expect([...names].filter((name) => owners(name).length > 1)).toEqual([]);
});

it("a sheet styles classes of another one only where it is known to refine them", () => {
  const intrusions = own.filter(({ sheet, classes }) =>
    classes.some((name) => {
      const [owner] = owners(name);
      return owner !== undefined && owner !== sheet && !SHARED.has(owner) && !refines(sheet, name);
    }),
  );
  expect(intrusions.map(({ sheet, text }) => `${sheet}: ${text}`)).toEqual([]);
});

/** Physical sides. Where the text runs from right to left, the logical ones are on the other side. */
const PHYSICAL = [
  /(?:^|[;{\s])(?:margin|padding|border|inset)-(?:left|right)(?=[-:])/,
  /(?:^|[;{\s])(?:left|right)\s*:/,
  /border-(?:top|bottom)-(?:left|right)-radius/,
  /(?:text-align|float|clear)\s*:\s*(?:left|right)/,
  /translateX\(/,
];

/** Four values, of which the second and the fourth are the sides. */
const FOUR =
  /(?:margin|padding|inset)\s*:\s*((?:[^\s;()]+|[\w-]*\((?:[^()]|\([^()]*\))*\))(?:\s+(?:[^\s;()]+|[\w-]*\((?:[^()]|\([^()]*\))*\))){3})\s*;/g;

function physicalIn(css: string): string[] {
  const plain = css.replaceAll(/\/\*.*?\*\//gs, "");
  const found = PHYSICAL.flatMap((each) => each.exec(plain)?.[0].trim() ?? []);
  const uneven = [...plain.matchAll(FOUR)].filter(([, values = ""]) => {
    const sides = values.match(/[\w-]*\((?:[^()]|\([^()]*\))*\)|[^\s]+/g) ?? [];
    return sides[1] !== sides[3];
  });
  return [...found, ...uneven.map(([text]) => text)];
}

it("finds physical sides", () => {
  expect(physicalIn("a { margin-left: 1px; }")).toHaveLength(1);
  expect(physicalIn("a { right: 0; }")).toHaveLength(1);
  expect(physicalIn("a { padding: 0 max(1px, 2px) 0 calc((1px + 2px) * 2); }")).toHaveLength(1);
  expect(physicalIn("a { padding: 0 1px 2px 1px; margin-inline-start: 1px; inset-inline: 0; }")).toEqual([]);
});

it("no sheet names a physical side, so that the page can run from right to left", () => {
  const named = Object.entries(sheets).map(([path, css]) => [path, physicalIn(css)] as const);
  expect(named.filter(([, found]) => found.length > 0)).toEqual([]);
});

/** Returns the selectors with `:hover` that also hold after a tap on a touch screen, until the next one. */
function stickyIn(css: string): string[] {
  const found: string[] = [];
  const around: string[] = [];
  for (const [, text = "", end] of css.replaceAll(/\/\*.*?\*\//gs, "").matchAll(/([^{};]*)([{};])/g)) {
    const isGuarded = around.some((each) => each.includes("(hover: hover)"));
    if (end === "{" && text.includes(":hover") && !isGuarded) found.push(text.trim());
    if (end === "{") around.push(text);
    else if (end === "}") around.pop();
  }
  return found;
}

/** These hide what a pointer shows: the first until the pointer is there, the second on touch screens. */
const HIDING = [
  ".actions:not(:hover, :focus-within) .quick",
  ".message:is(:hover, :focus):not(:focus-visible) > .actions-place > .actions:not(:has(:focus-visible))",
];

it("finds what would stay after a tap", () => {
  expect(stickyIn("@media (hover: hover) { a:hover { color: red; } } b { color: red; }")).toEqual([]);
  expect(stickyIn("@media (hover: hover) { a { color: red; } } b:hover { color: red; }")).toEqual(["b:hover"]);
});

it("nothing looks as if a pointer were there after a tap", () => {
  expect(Object.values(sheets).flatMap(stickyIn).toSorted()).toEqual(HIDING);
});
