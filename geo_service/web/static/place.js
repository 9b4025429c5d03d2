// A place's page: leaves out links that cannot work on this phone.

import { worksHere } from "./platform.js";

for (const item of document.querySelectorAll(".links li")) item.hidden = !worksHere(item);
