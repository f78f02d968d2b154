// Loaded by the HTML of a page with a stage: begins the page's run while everything else is still on its way.

import { begin } from "./early.js";

begin();
