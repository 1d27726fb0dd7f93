import type { LucideIcon } from "lucide-react";

/** An item of a menu. */
export interface MenuAction {
  label: string;
  icon?: LucideIcon;
  /** Whether it deletes or removes something. */
  isDangerous?: boolean;
  /** For a choice between items: whether this one is chosen. */
  isChecked?: boolean;
  /** Whether a separator is above it. */
  startsGroup?: boolean;
  onClick: () => void;
}
