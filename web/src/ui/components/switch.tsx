import type { ComponentProps } from "react";
import "./switch.css";

interface Props extends Pick<ComponentProps<"input">, "name" | "checked" | "defaultChecked" | "onChange"> {
  label: string;
}

/** A row that says what is on or off, with its switch at the end. */
export function Switch({ label, ...rest }: Props) {
  return (
    <label className="switch">
      {label}
      {/* biome-ignore lint/a11y/useAriaPropsForRole: the browser says whether a checkbox is on */}
      <input type="checkbox" role="switch" {...rest} />
    </label>
  );
}
