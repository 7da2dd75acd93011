// From JSON pointers to fields: what validation found, in the shape in which RJSF shows it beside each field.

import { isShown } from "./items.js";

/** The problems by field, and those that no field shows. */
export function place(problems, description, items, data) {
  const errors = {};
  const elsewhere = [];
  for (const problem of problems) {
    const path = stepsOf(problem.pointer);
    if (!hasField(path, items, data)) {
      elsewhere.push(problem);
      continue;
    }
    const place = path.reduce((inner, step) => (inner[step] ??= {}), errors);
    (place.__errors ??= []).push(problem.message);
  }
  return { errors, elsewhere };
}

/** The reference tokens of a JSON pointer (RFC 6901). */
export function stepsOf(pointer) {
  return pointer.split("/").slice(1).map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Whether a path leads to an item that shows, into one, or to a group of them. */
function hasField(path, items, data) {
  const key = path.join(".");
  const leads = ([known]) => known === key || key.startsWith(`${known}.`) || (key && known.startsWith(`${key}.`));
  return [...items].filter(leads).some(([, item]) => isShown(item, items, data));
}
