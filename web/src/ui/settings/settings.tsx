import { Tab, TabList, TabPanel, TabProvider } from "@ariakit/react";
import { X } from "lucide-react";
import { texts } from "../../texts";
import { Dialog } from "../components/dialog";
import { IconButton } from "../components/icon_button";
import { SECTIONS } from "./sections";
import "./settings.css";

interface Props {
  /** The section to open; by default the first. */
  section?: string | undefined;
  onClose: () => void;
}

/** The reader's settings. Each section says when a change takes effect. */
export default function Settings({ section, onClose }: Props) {
  return (
    <Dialog title={texts.account.settings} onClose={onClose} className="settings">
      <IconButton className="close" icon={X} label={texts.close} onClick={onClose} />
      <TabProvider defaultSelectedId={section ?? "profile"}>
        <TabList className="sections" aria-label={texts.account.settings}>
          {SECTIONS.map(({ id, label, icon: Icon }) => (
            <Tab key={id} id={id} className="section">
              <Icon className="icon" aria-hidden="true" />
              <span>{label}</span>
            </Tab>
          ))}
        </TabList>
        {SECTIONS.map(({ id, Content }) => (
          <TabPanel key={id} tabId={id} className="content" unmountOnHide>
            <Content />
          </TabPanel>
        ))}
      </TabProvider>
    </Dialog>
  );
}
