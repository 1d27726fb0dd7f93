// Prints the tests of files as JSON: by file, their titles and needs, or why it could not be read.
//
//   node list_tests.mjs FILE...
import { testsOf } from "./scenario_tests.mjs";

const listed = {};
for (const file of process.argv.slice(2)) {
  try {
    listed[file] = { tests: (await testsOf(file)).map(({ title, needs }) => ({ title, needs })) };
  } catch (error) {
    listed[file] = { problem: String(error.stack) };
  }
}
console.log(JSON.stringify(listed));
