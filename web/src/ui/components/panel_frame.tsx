import { X } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useRef } from "react";
import { texts } from "../../texts";
import { useChat } from "../page/chat_context";
import { useLeaving } from "../page/use_leaving";
import { IconButton } from "./icon_button";
import { Notice } from "./notice";
import { panelCoversConversation, usePanelCoversConversation, usePanelHidesConversation } from "./panel_layout";
import "./panel_frame.css";

interface Props {
  /** A button before the title. */
  back?: ReactNode;
  title: string;
  /** Below the title. */
  subtitle?: ReactNode;
  onKeyDown?: (event: KeyboardEvent<HTMLElement>) => void;
  /** Buttons beside the title. */
  actions?: ReactNode;
  /** Stays below the scrolling content. */
  footer?: ReactNode;
  children: ReactNode;
}

/** The frame of a panel: its title and a close button. Escape closes it too (`Keyboard`). */
export function PanelFrame({ back, title, subtitle, onKeyDown, actions, footer, children }: Props) {
  const chat = useChat();
  const isAlone = usePanelCoversConversation();
  const isInstead = usePanelHidesConversation();
  const panel = useRef<HTMLElement>(null);
  useLeaving(panel);
  // A panel that covers the conversation takes the focus, unless something inside has it.
  useEffect(() => {
    const section = panel.current;
    if (panelCoversConversation() && !section?.contains(document.activeElement))
      section?.focus({ preventScroll: true });
  }, []);
  return (
    <section className="panel" role={isAlone ? "main" : undefined} aria-label={title} ref={panel} tabIndex={-1}>
      {isAlone && <h1 className="hidden">{texts.name}</h1>}
      <header>
        {back}
        <div className="panel-title">
          <h2>{title}</h2>
          {subtitle}
        </div>
        {actions}
        <IconButton icon={X} label={texts.close} onClick={() => chat.openPanel(null)} />
      </header>
      {isInstead && <Notice />}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: arrow keys move among what can be focused in it */}
      <div className="panel-content" onKeyDown={onKeyDown}>
        {children}
      </div>
      {footer}
    </section>
  );
}
