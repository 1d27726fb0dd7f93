// Drives the page at `/` in a real browser: runs scenarios, one after the other, until its standard input ends.
//
//   node page.mjs CHROMIUM
//
// A line of JSON on standard input names the next scenario: { url, latencyMs, area, scenario, given }. That is a function
// which scenarios/AREA.mjs exports; `given` is its argument, and its pages get the server's answers `latencyMs` later. Prints one line of JSON for each thing that happens; the last one
// of a scenario is "done", with what the browser complained about. A scenario that fails ends the process instead: it
// prints on standard error what the scenario waited for, what the browser complained about, and what each page showed.
import { answers, begin, close, complaints, describePages, end, report } from "./browser.mjs";

try {
  for await (const line of answers) {
    const { url, latencyMs, area, scenario, given } = JSON.parse(line);
    await begin(url, latencyMs);
    const scenarios = await import(`./scenarios/${area}.mjs`);
    await scenarios[scenario](given);
    report("done", { complaints: await end() });
  }
} catch (error) {
  console.error(error);
  for (const complaint of complaints) console.error(complaint);
  await describePages();
  process.exitCode = 1;
} finally {
  await close();
}
process.exit();
