import type { LucideIcon } from "lucide-react";

/** An item of a menu. */
export interface MenuAction {
  label: string;
  icon?: LucideIcon;
  /** Whether it takes something away. */
  isDangerous?: boolean;
  /** Of one that is chosen among others: whether it is. */
  isChecked?: boolean;
  /** Whether a line stands before it. */
  startsGroup?: boolean;
  onClick: () => void;
}
