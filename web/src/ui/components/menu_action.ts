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
  /** A number at its end, and what it counts, for screen readers. */
  count?: { readonly shown: string; readonly words: string };
  /** The address of another page, for an item that is a link. */
  href?: string;
  onClick?: () => void;
  /** Shows these items in place of the menu's own. */
  choices?: () => readonly MenuAction[];
}
