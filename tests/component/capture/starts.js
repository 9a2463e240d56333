// Before the first test that has a trunk: from here on a capture runs, until seen.test.js ends it.
// Usage: starts.js FOLDER
import { SuiteCapture } from './support/suite_capture.js';

const capture = new SuiteCapture(process.argv[2]);
if (process.getuid() === 0) {
  await capture.start().then(() => console.log(`capturing into ${capture.file}`), (error) => {
    // The tests run all the same; the one at the end fails with it.
    capture.leaveFault(error);
    console.log(error.message);
  });
} else {
  await capture.forget();
  console.log('no capture without root: the tests run, and the one that looks at it is skipped');
}
