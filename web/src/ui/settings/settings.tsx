import { Tab, TabList, TabPanel, TabProvider } from "@ariakit/react";
import { useState } from "react";
import { texts } from "../../texts";
import { Dialog } from "../components/dialog";
import { SECTIONS } from "./sections";
import "./settings.css";

interface Props {
  /** The section to open; by default the first. */
  section?: string | undefined;
  onClose: () => void;
}

/**
 * The reader's settings. Each section says when a change takes effect, and keeps what was typed while another is shown.
 */
export default function Settings({ section = "profile", onClose }: Props) {
  const [shown, setShown] = useState<readonly string[]>([section]);
  return (
    <Dialog title={texts.account.settings} onClose={onClose} className="settings">
      <TabProvider
        selectedId={shown.at(-1)}
        setSelectedId={(id) => id && setShown((before) => [...before.filter((each) => each !== id), id])}
      >
        <TabList className="sections" aria-label={texts.account.settings}>
          {SECTIONS.map(({ id, label, icon: Icon }) => (
            <Tab key={id} id={id} className="section">
              <Icon className="icon" aria-hidden="true" />
              <span>{label}</span>
            </Tab>
          ))}
        </TabList>
        {SECTIONS.map(({ id, Content }) => (
          <TabPanel key={id} tabId={id} className="content" unmountOnHide={!shown.includes(id)}>
            <Content />
          </TabPanel>
        ))}
      </TabProvider>
    </Dialog>
  );
}
