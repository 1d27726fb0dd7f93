import type { LucideIcon } from "lucide-react";
import type { ComponentProps } from "react";

interface Props extends Omit<ComponentProps<"button">, "type"> {
  icon: LucideIcon;
  /** The action's name, for screen readers and the tooltip. */
  label: string;
}

export function IconButton({ icon: Icon, label, className, ...rest }: Props) {
  const classes = ["icon-button", className].filter(Boolean).join(" ");
  return (
    <button type="button" title={label} aria-label={label} className={classes} {...rest}>
      <Icon className="icon" aria-hidden="true" />
    </button>
  );
}
