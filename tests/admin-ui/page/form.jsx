// The form: RJSF over the configuration's JSON Schema, with what the form items say of each field.

import { useMemo } from "react";
import Form from "@rjsf/core";
import { customizeValidator } from "@rjsf/validator-ajv8";
import Ajv2020 from "ajv/dist/2020";
import { itemsByKey, pathOf, withValueAt } from "./items.js";
import { uiSchemaOf } from "./ui-schema.js";
import { ours } from "./widgets.jsx";

/** Validation is the connector's: RJSF needs its own only to tell variants of a field apart, so formats are left out. */
const validator = customizeValidator({ AjvClass: Ajv2020, ajvOptionsOverrides: { validateFormats: false } });

/** A choice without a default stays open, rather than becoming the first one. */
const NOT_THE_FIRST_CHOICE = { constAsDefaults: "never" };

export function SetUpForm({ description, data, onChange, errors, onSubmit }) {
  const items = useMemo(() => itemsByKey(description), [description]);
  const uiSchema = useMemo(() => uiSchemaOf(description, items, data), [description, items, data]);
  const fillIn = (values) =>
    onChange(Object.entries(values).reduce((all, [key, value]) => withValueAt(all, pathOf(key), value), data));
  return (
    <Form
      schema={description.configSchema}
      uiSchema={uiSchema}
      formData={data}
      formContext={{ fillIn }}
      validator={validator}
      templates={ours.templates}
      widgets={ours.widgets}
      extraErrors={errors}
      showErrorList={false}
      experimental_defaultFormStateBehavior={NOT_THE_FIRST_CHOICE}
      noHtml5Validate
      noValidate
      onChange={(event) => onChange(event.formData)}
      onSubmit={onSubmit}
    />
  );
}
