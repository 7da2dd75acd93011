// From form items to what RJSF calls the UI schema: how each field of the JSON Schema is edited, and which show.

import { isShown } from "./items.js";

const NOT_SHOWN = { "ui:options": { shown: false } };

/** The UI schema of a description's configuration, as it is with `data` in the form. */
export function uiSchemaOf(description, items, data) {
  return {
    "ui:globalOptions": { enableMarkdownInDescription: true, enableMarkdownInHelp: true },
    "ui:submitButtonOptions": { submitText: "Check and save" },
    "ui:label": false,
    ...fieldsOf(description.configSchema, "", items, data),
  };
}

function fieldsOf(schema, prefix, items, data) {
  const entry = ([step, field]) => {
    const item = items.get(prefix + step);
    if (item) return [step, isShown(item, items, data) ? edited(item, field) : { ...edited(item, field), ...NOT_SHOWN }];
    // What has no item, nor items below it, is not for people.
    const below = `${prefix + step}.`;
    const anyBelow = [...items.keys()].some((key) => key.startsWith(below));
    return [step, anyBelow ? fieldsOf(field, below, items, data) : NOT_SHOWN];
  };
  return Object.fromEntries(Object.entries(schema.properties).map(entry));
}

/** How an item is edited. */
function edited(item, field) {
  const common = {
    ...(item.placeholder && { "ui:placeholder": item.placeholder }),
    ...(item.tooltip && { "ui:help": item.tooltip }),
    ...(item.presets && { "ui:options": { presets: item.presets } }),
  };
  switch (item.type) {
    case "Json":
      return { ...common, ...inner(field) };
    case "Select":
      return { ...common, "ui:widget": "choices", "ui:options": { offered: item.selectItems } };
    case "MultiSelect":
      return { ...common, "ui:widget": "checkboxes" };
    case "MultilineText":
      return { ...common, "ui:widget": item.isConfidential ? "secretLines" : "textarea" };
    default:
      return item.isConfidential ? { ...common, "ui:widget": "secret" } : common;
  }
}

/** The fields inside a list, an object or a map that is one item: the JSON Schema itself says how they are edited. */
function inner(schema, outerHints = {}) {
  if (typeof schema !== "object") return {};
  const hints = schema["x-form"] ?? outerHints;
  if (schema.anyOf) return { anyOf: schema.anyOf.map((variant) => inner(variant, hints)) };
  const lines = hints.type === "MultilineText";
  const ui = hints.placeholder ? { "ui:placeholder": hints.placeholder } : {};
  if (schema.writeOnly) return { ...ui, "ui:widget": lines ? "secretLines" : "secret" };
  if (lines) return { ...ui, "ui:widget": "textarea" };
  if (schema.properties) {
    return Object.fromEntries(Object.entries(schema.properties).map(([step, field]) => [step, inner(field)]));
  }
  if (schema.items) return { items: inner(schema.items, hints) };
  if (schema.additionalProperties) return { additionalProperties: inner(schema.additionalProperties) };
  return ui;
}
