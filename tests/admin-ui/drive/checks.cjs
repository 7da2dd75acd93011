// What a set-up form must do, whichever connector it is for.

const assert = require("node:assert/strict");

/** The titles that lead to an item: those of the objects it is in, then its label. */
function labels(description, item) {
  const steps = item.key.split(".");
  let schema = description.configSchema;
  const above = steps.slice(0, -1).map((step) => {
    schema = schema.properties[step];
    return schema.title;
  });
  return [...above, item.label];
}

/** Drawn by RJSF as a group: a list, an object or a map. */
const isGroup = (item) => item.type === "Json";

const place = (person, description, item) => {
  const path = labels(description, item);
  return isGroup(item) ? person.group(path) : person.field(path);
};

/** Every item is there once, as the kind of input that it says. */
async function drawsEveryItem(person, description) {
  for (const item of description.formItems) {
    const found = place(person, description, item);
    assert.equal(await found.count(), 1, `${item.key}: fields labelled ${item.label}`);
    if (!isGroup(item)) await isOfItsKind(found, item);
    // A list of secrets is a group; its fields are looked at when somebody has added one.
  }
}

async function isOfItsKind(field, item) {
  const drawn = await field.evaluate((element) => ({
    tag: element.tagName,
    type: element.type,
    masked: getComputedStyle(element).webkitTextSecurity === "disc",
    placeholder: element.placeholder || undefined,
    // The empty one stands for "nothing chosen yet".
    choices: [...(element.options ?? [])].filter((option) => option.value !== "").map((option) => option.text),
    checked: element.checked,
    value: element.value,
  }));
  const lines = item.type === "MultilineText";
  const tag = lines ? "TEXTAREA" : item.type === "Select" ? "SELECT" : "INPUT";
  assert.equal(drawn.tag, tag, item.key);
  if (item.isConfidential) assert.ok(lines ? drawn.masked : drawn.type === "password", `${item.key} shows its secret`);
  if (item.type === "Switch") assert.equal(drawn.type, "checkbox", item.key);
  if (item.type === "Number") assert.equal(drawn.type, "number", item.key);
  assert.deepEqual(drawn.choices, (item.selectItems ?? []).map((choice) => choice.title), `${item.key}: choices`);
  if (tag !== "SELECT") assert.equal(drawn.placeholder, item.placeholder, `${item.key}: placeholder`);
  if (item.type === "Switch") assert.equal(drawn.checked, item.defaultValue ?? false, `${item.key}: default`);
  else if (tag === "SELECT") assert.equal(drawn.choices.length > 0, true, item.key);
  else assert.equal(drawn.value, String(item.defaultValue ?? ""), `${item.key}: default`);
}

/** Sets an item to a value by clicking: a switch, or a choice. */
async function set(person, description, items, key, value) {
  const item = items.get(key);
  const field = person.field(labels(description, item));
  if (item.type === "Switch") return field.setChecked(value);
  return field.selectOption({ label: item.selectItems.find((choice) => choice.value === value).title });
}

/** Another value than the one a condition expects. */
function other(item, value) {
  return item.type === "Switch" ? !value : item.selectItems.find((choice) => choice.value !== value).value;
}

/** Every item with conditions shows while they hold and only then. Returns how many there were. */
async function followsItsConditions(person, description) {
  const items = new Map(description.formItems.map((item) => [item.key, item]));
  const conditional = description.formItems.filter((item) => item.showConditions);
  for (const item of conditional) {
    const found = place(person, description, item);
    const targets = item.showConditions.map(({ targetKey, expectValue }) => [targetKey, expectValue]);
    for (const [key, value] of targets) await set(person, description, items, key, value);
    await found.waitFor({ state: "visible" });
    // From the last to the first: hiding a target would take the next one out of reach.
    for (const [key, value] of targets.reverse()) {
      await set(person, description, items, key, other(items.get(key), value));
      await found.waitFor({ state: "hidden" });
      await set(person, description, items, key, value);
      await found.waitFor({ state: "visible" });
    }
  }
  return conditional.length;
}

/** The values of what is confidential in a configuration. */
function secretsOf(description, config) {
  const at = (key) => key.split(".").reduce((inner, step) => inner?.[step], config);
  return description.formItems.filter((item) => item.isConfidential).flatMap((item) => at(item.key) ?? []);
}

/** No secret stands in the page, its address or what it logged. */
async function keepsSecrets(page, logged, secrets) {
  const shown = [await page.content(), await page.locator("body").innerText(), page.url(), ...logged].join("\n");
  for (const secret of secrets) {
    // Of a key in PEM, every line counts.
    const lines = secret.split("\n").filter((line) => line && !line.startsWith("-----"));
    for (const line of lines) assert.ok(!shown.includes(line), "a secret stands in the page, its address or its log");
  }
}

module.exports = { drawsEveryItem, followsItsConditions, keepsSecrets, secretsOf };
