import { Menu, MenuItem, useMenuStore } from "@ariakit/react";
import { Check } from "lucide-react";
import { type RefObject, useLayoutEffect } from "react";
import type { MenuAction } from "./menu_action";

interface Props {
  label: string;
  actions: readonly MenuAction[];
  anchor: RefObject<HTMLElement | null>;
  placement?: "bottom-start" | "bottom-end";
  onClose: () => void;
}

/** An open menu. A module of its own, because few visits need it. */
export default function MenuPopup({ label, actions, anchor, placement = "bottom-end", onClose }: Props) {
  const menu = useMenuStore({ open: true, setOpen: (open) => open || onClose(), placement });
  // Without the library's own button, the menu does not take the focus by itself.
  useLayoutEffect(() => {
    menu.setInitialFocus("first");
    menu.setAutoFocusOnShow(true);
  }, [menu]);
  return (
    <Menu
      store={menu}
      className="menu"
      aria-label={label}
      portal
      preserveTabOrder={false}
      gutter={4}
      finalFocus={anchor}
      getAnchorRect={() => anchor.current?.getBoundingClientRect() ?? null}
    >
      {actions.map((action) => (
        <Item key={action.label} action={action} />
      ))}
    </Menu>
  );
}

function Item({ action: { label, icon: Icon, isDangerous, isChecked, startsGroup, onClick } }: { action: MenuAction }) {
  const checkable = isChecked === undefined ? {} : { role: "menuitemradio", "aria-checked": isChecked };
  const classes = ["menu-item", isDangerous && "dangerous", startsGroup && "starts-group"].filter(Boolean).join(" ");
  return (
    <MenuItem className={classes} onClick={onClick} {...checkable}>
      {Icon && <Icon className="icon" aria-hidden="true" />}
      <span className="says">{label}</span>
      {isChecked && <Check className="icon" aria-hidden="true" />}
    </MenuItem>
  );
}
