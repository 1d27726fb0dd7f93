// Draws the icons of an installed page from public/icon.svg into public: `node web/icons/make_icons.mjs [CHROMIUM]`.
import { readFile, writeFile } from "node:fs/promises";
import { chromium } from "../../tests/page/node_modules/playwright-core/index.mjs";

const PUBLIC = new URL("../public/", import.meta.url);
const [executablePath = "/usr/bin/chromium"] = process.argv.slice(2);

const drawing = await readFile(new URL("icon.svg", PUBLIC), "utf8");
// Systems cut a maskable icon to a circle or another shape, so its colour covers everything and its sign is smaller.
const maskable = drawing
  .replace('rx="9" ', "")
  .replace('viewBox="0 0 32 32"', 'viewBox="-4 -4 40 40"')
  .replace('<rect width="32" height="32"', '<rect x="-4" y="-4" width="40" height="40"');
// Android shows only which parts of this one are opaque.
const silhouette = drawing.replace(/<rect[^>]*>/, "").replace('viewBox="0 0 32 32"', 'viewBox="4 5 24 24"');
const cutOut = silhouette.replace('stroke="#0f766e"', 'stroke="#000"');

const ICONS = [
  ["icon-192.png", drawing, 192],
  ["icon-512.png", drawing, 512],
  ["icon-maskable.png", maskable, 512],
  ["icon-apple.png", maskable, 180],
  ["icon-badge.png", cutOut, 96],
];

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
for (const [name, svg, size] of ICONS) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(`<style>body { margin: 0 } svg { display: block; width: ${size}px }</style>${svg}`);
  if (name === "icon-badge.png") await page.evaluate(cutStrokeOut);
  await writeFile(new URL(name, PUBLIC), await page.screenshot({ omitBackground: true }));
}
await browser.close();

/** Makes the black stroke transparent. Runs in the page. */
function cutStrokeOut() {
  const svg = document.querySelector("svg");
  const [bubble, line] = svg.querySelectorAll("path");
  const mask = document.createElementNS(svg.namespaceURI, "mask");
  mask.id = "cut";
  mask.append(bubble.cloneNode(), line);
  bubble.setAttribute("mask", "url(#cut)");
  svg.append(mask);
}
