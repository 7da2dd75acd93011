// Sets up every connector in a browser, as a person would, through nothing but what `describe --json` prints.
//
// node main.cjs BINARY CHROMIUM [FOLDER FOR SCREENSHOTS]
//
// NODE_PATH says where the packages are; ONLY may name one connector. Prints one JSON object: by connector, what came of it.

const assert = require("node:assert/strict");
const { readFileSync } = require("node:fs");
const path = require("node:path");
const { chromium } = require("playwright-core");
const Ajv2020 = require("ajv/dist/2020");
const { drawsEveryItem, followsItsConditions, keepsSecrets, secretsOf } = require("./checks.cjs");
const { Person } = require("./person.cjs");
const { run, start } = require("./server.cjs");

const PATIENCE = 20_000;

/** What the server has heard from the page, in turn. */
class Heard {
  constructor() {
    this.verdicts = [];
    this.waiting = [];
  }

  push(verdict) {
    const next = this.waiting.shift();
    if (next) next(verdict);
    else this.verdicts.push(verdict);
  }

  next() {
    return this.verdicts.length ? this.verdicts.shift() : new Promise((resolve) => this.waiting.push(resolve));
  }
}

async function setUp(page, url, heard, description, shots) {
  const logged = [];
  page.on("console", (message) => logged.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => logged.push(String(error)));
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  const open = async () => {
    await page.goto(`${url}/set-up/${description.id}`);
    await page.getByRole("heading", { level: 1, name: description.name.en }).waitFor();
  };
  const person = new Person(page);
  const shoot = (name) =>
    shots && page.screenshot({ path: path.join(shots, `${description.id}-${name}.png`), fullPage: true });

  await open();
  await shoot("empty");
  await drawsEveryItem(person, description);
  const conditional = await followsItsConditions(person, description);

  const ways = JSON.parse(readFileSync(path.join(__dirname, `../answers/${description.id}.json`), "utf8"));
  const saved = [];
  for (const { way, fill, meant, wrong } of ways) {
    try {
      await open();
      for (const step of fill) await person.do(step);
      const filled = await person.submit(() => heard.next());
      await shoot(`${saved.length}-filled`);
      assert.deepEqual(filled.verdict.problems, []);
      assert.deepEqual(filled.config, meant);
      agrees(description, filled.config);
      const secrets = secretsOf(description, meant);
      await keepsSecrets(page, logged, secrets);

      for (const { step } of wrong) await person.do(step);
      const spoilt = await person.submit(() => heard.next());
      await shoot(`${saved.length}-wrong`);
      await showsEachProblemInItsPlace(person, spoilt.verdict.problems, wrong);
      await keepsSecrets(page, logged, [...secrets, ...secretsOf(description, spoilt.config)]);
      saved.push(filled.config);
    } catch (error) {
      throw new Error(`${way}: ${error.stack}`);
    }
  }
  // Chromium's advice on forms for signing in is no concern of this one.
  assert.deepEqual(logged.filter((line) => !line.startsWith("verbose:")), [], "the page's console");
  // All that it needs is in the description: no picture, font or script comes from elsewhere.
  assert.deepEqual(asked.filter((other) => !other.startsWith(`${url}/`) && !other.startsWith("data:")), []);
  return { saved, items: description.formItems.length, conditional };
}

/** Beside each field that was left wrong stands what validation says of it, and nothing beside others. */
async function showsEachProblemInItsPlace(person, problems, wrong) {
  const pointers = (list) => list.map(({ pointer }) => pointer).toSorted();
  assert.deepEqual(pointers(problems), pointers(wrong));
  let shown = 0;
  for (const { step, pointer, beside = step.at, besideGroup = false } of wrong) {
    const said = problems.filter((problem) => problem.pointer === pointer).map((problem) => problem.message);
    const complaints = await person.complaints(beside, besideGroup);
    assert.deepEqual(complaints, said, `beside ${beside.join(", ")}`);
    shown += complaints.length;
  }
  assert.equal(await person.page.locator("form [id$=__error] li").count(), shown, "complaints in all");
}

/** Another implementation of JSON Schema, which knows our formats and extension as little as anybody's form library. */
function agrees(description, config) {
  const ajv = new Ajv2020({ strict: true, allErrors: true, validateFormats: false, keywords: ["x-form"], strictTypes: false });
  const validate = ajv.compile(description.configSchema);
  assert.ok(validate(config), ajv.errorsText(validate.errors));
}

async function main([binary, executablePath, shots]) {
  const { connectors } = await run(binary, ["list", "--json"]);
  const heard = new Heard();
  const server = await start(binary, (verdict) => heard.push(verdict));
  const browser = await chromium.launch({
    executablePath,
    // The sandbox does not start as root, as which containers run these tests. Nothing but our page is loaded.
    chromiumSandbox: process.getuid() !== 0,
    args: ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
  });
  try {
    const report = {};
    const failures = [];
    for (const { id } of connectors.filter(({ id }) => (process.env.ONLY ?? id) === id)) {
      const context = await browser.newContext();
      context.setDefaultTimeout(PATIENCE);
      const page = await context.newPage();
      const description = await run(binary, ["describe", id, "--json"]);
      try {
        report[id] = await setUp(page, server.url, heard, description, shots);
      } catch (error) {
        failures.push(`${id}: ${error.stack}`);
      }
      await context.close();
    }
    if (failures.length) throw new Error(failures.join("\n\n"));
    process.stdout.write(JSON.stringify(report));
  } finally {
    await browser.close();
    server.stop();
  }
}

// Who started this holds its standard input open; when that ends, so does this, and the browser with it.
process.stdin.resume().on("end", () => process.exit(1));

main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}).finally(() => process.stdin.unref());
