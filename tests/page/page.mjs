// Drives the page at `/` in a real browser.
//
//   node page.mjs CHROMIUM URL AREA SCENARIO
//
// A scenario is a function that scenarios/AREA.mjs exports. Prints one line of JSON for each thing that happened; the
// last one has what the browser complained about. A scenario that fails ends with status 1 and says on standard error
// what was waited for.
import { browser, complaints, report } from "./browser.mjs";

const [area, scenario] = process.argv.slice(4);

try {
  const scenarios = await import(`./scenarios/${area}.mjs`);
  await scenarios[scenario]();
  report("done", { complaints });
} finally {
  await browser.close();
}
process.exit(0);
