import type { CardInput, Choice, InputProperty, InputSchema } from "@talkwire/client";
import { useId } from "react";
import { Switch } from "../components/switch";
import { cardTexts as texts } from "./texts";

type Value = NonNullable<Choice["input"]>[string];

/** Longer texts have several lines. */
const LINE_MAX = 200;

/** The fields of the form that an action asks to fill in. */
export function InputFields({ input: { schema, values = {} } }: { input: CardInput }) {
  const required = new Set(schema.required);
  return Object.entries(schema.properties).map(([name, property]) => (
    <Field
      key={name}
      name={name}
      property={property}
      value={values[name] ?? property.default}
      isRequired={required.has(name)}
    />
  ));
}

interface FieldProps {
  name: string;
  property: InputProperty;
  value: Value | undefined;
  isRequired: boolean;
}

function Field({ name, property, value, isRequired }: FieldProps) {
  const [id, hintId] = [useId(), useId()];
  const { title = name, description } = property;
  if (property.type === "boolean")
    return (
      <>
        <Switch name={fieldOf(name)} label={title} defaultChecked={value === true} />
        {description !== undefined && <p className="hint">{description}</p>}
      </>
    );
  const common = {
    id,
    name: fieldOf(name),
    required: isRequired,
    "aria-describedby": description === undefined ? undefined : hintId,
  };
  return (
    <>
      <div className="named-field">
        <label htmlFor={id}>{title}</label>
        <Control property={property} value={value} common={common} />
      </div>
      {description !== undefined && (
        <p className="hint" id={hintId}>
          {description}
        </p>
      )}
    </>
  );
}

interface ControlProps {
  property: InputProperty;
  value: Value | undefined;
  common: { id: string; name: string; required: boolean; "aria-describedby": string | undefined };
}

function Control({ property, value, common }: ControlProps) {
  const { type, minimum, maximum, minLength, maxLength } = property;
  const initial = value === undefined ? "" : String(value);
  const options = property.oneOf ?? property.enum?.map((each) => ({ const: each, title: each }));
  if (options !== undefined)
    return (
      <select {...common} defaultValue={initial}>
        <option value="">{texts.choose}</option>
        {options.map(({ const: given, title }) => (
          <option key={given} value={given}>
            {title}
          </option>
        ))}
      </select>
    );
  if (type !== "string")
    return (
      <input
        {...common}
        type="number"
        step={type === "integer" ? 1 : "any"}
        min={minimum}
        max={maximum}
        defaultValue={initial}
      />
    );
  if ((maxLength ?? Number.POSITIVE_INFINITY) > LINE_MAX)
    return <textarea {...common} rows={3} minLength={minLength} maxLength={maxLength} defaultValue={initial} />;
  return <input {...common} minLength={minLength} maxLength={maxLength} defaultValue={initial} autoComplete="off" />;
}

/** Returns what was filled in. Empty fields are left out. */
export function inputOf({ properties }: InputSchema, form: FormData): Record<string, Value> {
  const found: Record<string, Value> = {};
  for (const [name, { type }] of Object.entries(properties)) {
    const given = form.get(fieldOf(name));
    if (type === "boolean") found[name] = given !== null;
    else if (typeof given === "string" && given !== "") found[name] = type === "string" ? given : Number(given);
  }
  return found;
}

/** Returns a field's name in the form, which is not that of the comment. */
const fieldOf = (name: string): string => `input ${name}`;
