import { useId } from "react";
import "./radio_group.css";

interface Props<T extends string> {
  label: string;
  options: readonly { readonly value: T; readonly label: string }[];
  value: T;
  onChange: (value: T) => void;
}

/** A group of radio buttons, side by side. */
export function RadioGroup<T extends string>({ label, options, value, onChange }: Props<T>) {
  const name = useId();
  return (
    <fieldset className="choice">
      <legend>{label}</legend>
      <div className="choice-bar">
        {options.map((each) => (
          <label key={each.value}>
            <input
              type="radio"
              name={name}
              value={each.value}
              checked={each.value === value}
              onChange={() => onChange(each.value)}
            />
            {each.label}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
