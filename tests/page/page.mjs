// Drives the page at `/` in a real browser.
//
//   node page.mjs CHROMIUM URL AREA SCENARIO
//
// A scenario is a function that scenarios/AREA.mjs exports. Prints one line of JSON for each thing that happened; the
// last one has what the browser complained about. A scenario that fails ends with status 1 and says on standard error
// what was waited for, and what each of its pages showed instead.
import { browser, complaints, report } from "./browser.mjs";

const [area, scenario] = process.argv.slice(4);

try {
  const scenarios = await import(`./scenarios/${area}.mjs`);
  await scenarios[scenario]();
  report("done", { complaints });
} catch (error) {
  console.error(error);
  for (const page of browser.contexts().flatMap((context) => context.pages()))
    console.error(page.url(), await page.ariaSnapshot().catch(String));
  process.exitCode = 1;
} finally {
  await browser.close();
}
process.exit();
