// The form items of a description: which hold values, which show, what the form starts with and what it saves.

/** The path of a dotted key in the configuration. */
export const pathOf = (key) => key.split(".");

export function valueAt(data, path) {
  return path.reduce((inner, step) => inner?.[step], data);
}

/** `data` with `value` at `path`; what is above it is copied, not changed. */
export function withValueAt(data, [step, ...rest], value) {
  const inner = rest.length ? withValueAt(data?.[step], rest, value) : value;
  return { ...data, [step]: inner };
}

export function itemsByKey(description) {
  return new Map(description.formItems.map((item) => [item.key, item]));
}

export function startingData(description) {
  const set = (data, item) =>
    item.defaultValue === undefined ? data : withValueAt(data, pathOf(item.key), item.defaultValue);
  return description.formItems.reduce(set, {});
}

/** Whether an item shows: each condition's target has its value. A target that does not show counts as untouched. */
export function isShown(item, items, data) {
  return (item.showConditions ?? []).every(({ targetKey, expectValue }) => {
    const target = items.get(targetKey);
    const value = isShown(target, items, data) ? valueAt(data, pathOf(targetKey)) : undefined;
    return (value ?? target.defaultValue) === expectValue;
  });
}

/** What to save: the values of the items that show, without optional ones that were left blank. */
export function toSave(description, data) {
  const items = itemsByKey(description);
  const save = (saved, item) => {
    const value = withoutBlanks(valueAt(data, pathOf(item.key)));
    const skip = value === undefined || (!item.required && isEmpty(value)) || !isShown(item, items, data);
    return skip ? saved : withValueAt(saved, pathOf(item.key), value);
  };
  return description.formItems.reduce(save, {});
}

const isEmpty = (value) => typeof value === "object" && value !== null && Object.keys(value).length === 0;

function withoutBlanks(value) {
  if (Array.isArray(value)) return value.map((element) => withoutBlanks(element) ?? null);
  if (typeof value !== "object" || value === null) return value;
  const filled = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(filled.map(([name, member]) => [name, withoutBlanks(member)]));
}
