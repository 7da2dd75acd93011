// A person at the form: finds fields by what stands beside them, and types, chooses, clicks.

const literal = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
/** A label or legend, with or without the mark of what is required. */
const called = (text) => new RegExp(`^${literal(text)}\\s*\\*?$`);

class Person {
  constructor(page) {
    this.page = page;
  }

  /** The group of fields (a fieldset) that a path of legends leads to. A number counts the entries of a list. */
  group(path) {
    return path.reduce(({ scope, last }, step) => {
      const name = typeof step === "number" ? `${last}-${step}` : step;
      return { scope: scope.getByRole("group", { name: called(name) }), last: name };
    }, { scope: this.page.locator("form"), last: "" }).scope;
  }

  /** The field at the end of a path of legends: by its label. */
  field(path) {
    const [last, ...above] = [...path].reverse();
    const groups = above.reverse();
    // The entries of a list of texts are labelled with the list's name and their number.
    const label = typeof last === "number" ? `${groups.at(-1)}-${last}` : last;
    return this.group(groups).getByLabel(called(label));
  }

  /** What is said to be wrong with a field, or with a group: the text that it is described by. */
  async complaints(path, isGroup) {
    const place = isGroup ? this.group(path) : this.field(path);
    const id = await place.getAttribute("id");
    return this.page.locator(`[id="${id}__error"] li`).allTextContents();
  }

  async do(step) {
    try {
      await this.attempt(step);
    } catch (error) {
      throw new Error(`${JSON.stringify(step.at)}: ${error.message}`);
    }
  }

  async attempt(step) {
    const { at } = step;
    if ("type" in step) return this.type(at, step.type);
    if ("choose" in step) return this.field(at).selectOption({ label: step.choose });
    if ("switch" in step) return this.field(at).setChecked(step.switch);
    if ("preset" in step) return this.page.getByLabel(`${at.at(-1)}: fill in`).selectOption({ label: step.preset });
    if ("add" in step) return this.group(at).getByRole("button", { name: "Add" }).last().click();
    if ("remove" in step) return this.entry(at).getByRole("button", { name: "Remove" }).last().click();
    if ("rename" in step) return this.rename(at, step.rename);
    throw new Error(`nobody knows how to do ${JSON.stringify(step)}`);
  }

  /** Short texts key by key, long ones pasted. */
  async type(at, text) {
    const field = this.field(at);
    await field.fill("");
    if (text.length > 12 || text.includes("\n")) return field.fill(text);
    return field.pressSequentially(text);
  }

  /** An entry of a list with its buttons, which stand beside the fields. */
  entry(path) {
    const legend = called(`${path.at(-2)}-${path.at(-1)}`);
    const entries = this.group(path.slice(0, -1)).locator(".rjsf-array-item");
    return entries.filter({ has: this.page.getByRole("group", { name: legend }) });
  }

  /** The name of a map's entry. */
  async rename(path, name) {
    const key = this.group(path.slice(0, -1)).getByLabel(called(`${path.at(-1)} Key`));
    await key.fill(name);
    await key.blur();
  }

  /** Submits and waits for the verdict, which `verdict` resolves to. */
  async submit(verdict) {
    await this.page.getByRole("button", { name: "Check and save" }).click();
    const judged = await verdict();
    const heading = judged.verdict.valid ? "The configuration is valid." : `Problems: ${judged.verdict.problems.length}`;
    await this.page.getByRole("status").getByRole("heading", { name: heading, exact: true }).waitFor();
    return judged;
  }
}

module.exports = { Person, called };
