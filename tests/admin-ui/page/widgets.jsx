// The inputs that RJSF has no word for.

import { useEffect, useRef } from "react";
import { ADDITIONAL_PROPERTY_FLAG, ariaDescribedByIds, getTemplate } from "@rjsf/utils";
import { getDefaultRegistry } from "@rjsf/core";

const { widgets: standard, templates } = getDefaultRegistry();

/** A secret. What is typed is kept out of the document: React would write it into an attribute or a text node. */
function Secret({ Input, id, value, options, onChange, rawErrors, placeholder, ...rest }) {
  const input = useRef(null);
  useEffect(() => {
    if (input.current.value !== (value ?? "")) input.current.value = value ?? "";
  }, [value]);
  return (
    <Input
      id={id}
      ref={input}
      placeholder={placeholder}
      aria-describedby={ariaDescribedByIds(id)}
      aria-invalid={rawErrors?.length > 0}
      onChange={(event) => onChange(event.target.value === "" ? options.emptyValue : event.target.value)}
    />
  );
}

const OneLine = (props) => <input type="password" autoComplete="new-password" className="form-control" {...props} />;
const Lines = (props) => <textarea autoComplete="off" spellCheck="false" rows="5" className="form-control secret" {...props} />;

/** A choice among what the form item offers; the schema may take more, such as other spellings. */
function Choices(props) {
  const offered = new Map(props.options.offered.map(({ value, title }) => [value, title]));
  const enumOptions = props.options.enumOptions.filter(({ value }) => offered.has(value));
  const named = enumOptions.map((option) => ({ ...option, label: offered.get(option.value) }));
  return <standard.SelectWidget {...props} options={{ ...props.options, enumOptions: named }} />;
}

/** A text, with presets that fill in other fields too. */
function Text(props) {
  const { id, label, options, registry } = props;
  const BaseInput = getTemplate("BaseInputTemplate", registry, options);
  const { presets } = options;
  if (!presets) return <BaseInput {...props} />;
  const fillIn = (event) => registry.formContext.fillIn(presets[event.target.value].values);
  return (
    <div className="with-presets">
      <BaseInput {...props} />
      <select aria-label={`${label}: fill in`} value="" onChange={fillIn} id={`${id}-presets`}>
        <option value="" disabled>Fill in…</option>
        {presets.map((preset, at) => <option key={preset.title} value={at}>{preset.title}</option>)}
      </select>
    </div>
  );
}

/** A field; one whose conditions do not hold stays in the page, so that nothing typed is lost, but does not show. */
function FieldTemplate(props) {
  const shown = props.uiSchema?.["ui:options"]?.shown ?? true;
  const entry = ADDITIONAL_PROPERTY_FLAG in props.schema && props.schema.type === "object";
  // An object draws its own legend and description; as an entry of a map it would have them twice.
  const { WrapIfAdditionalTemplate: Entry, FieldTemplate: Field } = templates;
  return <div hidden={!shown}>{entry ? <Entry {...props}>{props.children}{props.errors}</Entry> : <Field {...props} />}</div>;
}

export const ours = {
  templates: { FieldTemplate },
  widgets: {
    secret: (props) => <Secret Input={OneLine} {...props} />,
    secretLines: (props) => <Secret Input={Lines} {...props} />,
    choices: Choices,
    TextWidget: Text,
  },
};
