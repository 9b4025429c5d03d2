// Places of the chosen layer on the map. Names are set as text, never as markup.

const PATIENCE_MS = 6000; // a server that hangs is as good as none: the pack has the places too

export async function loadPins(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout?.(PATIENCE_MS) });
  if (!response.ok) throw new Error(`pins: ${response.status}`);
  const { columns, rows } = await response.json();
  return rows.map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i]])));
}

export function pinIcon(character, name, side) {
  const pin = document.createElement("div");
  pin.className = "pin";
  const letter = document.createElement("b");
  letter.textContent = character;
  pin.append(letter);
  if (name) {
    const tag = document.createElement("em");
    tag.textContent = name;
    tag.className = side;
    pin.append(tag);
  }
  return L.divIcon({ html: pin, className: "", iconSize: [44, 48], iconAnchor: [22, 46] });
}

function clusterIcon(cluster) {
  const disc = document.createElement("div");
  disc.className = "cluster";
  disc.textContent = String(cluster.getChildCount());
  return L.divIcon({ html: disc, className: "", iconSize: [44, 44] });
}

export function pinLayer(places, { character, named, side, label, onPick }) {
  const group = L.markerClusterGroup({
    iconCreateFunction: clusterIcon,
    disableClusteringAtZoom: 18,
    maxClusterRadius: 44,
    showCoverageOnHover: false,
    spiderfyOnMaxZoom: false,
  });
  const markers = new Map();
  for (const place of places) {
    const marker = L.marker([place.lat, place.lon], {
      icon: pinIcon(character, named.has(place.id) ? place.name : "", side(place)),
      title: place.name,
      riseOnHover: true,
    });
    marker.on("click", () => onPick(place));
    marker.on("keydown", ({ originalEvent }) => {
      if (originalEvent.key !== "Enter" && originalEvent.key !== " ") return;
      originalEvent.preventDefault();
      onPick(place);
    });
    marker.on("add", () => marker.getElement()?.setAttribute("aria-label", place.name));
    markers.set(place.id, marker);
  }
  group.addLayers([...markers.values()]);
  group.on("animationend", () => nameClusters(group, label));
  group.on("layeradd add", () => nameClusters(group, label));

  // a cluster that opens is gone, and would take the focus along
  group.on("clusterclick clusterkeypress", () => group._map.getContainer().focus({ preventScroll: true }));

  let chosen = null;
  return {
    group,
    has: (id) => markers.has(id),
    settle: () => nameClusters(group, label),
    select(id) {
      chosen?.getElement()?.classList.remove("on");
      chosen = markers.get(id) ?? null;
      const show = () => chosen?.getElement()?.classList.add("on");
      if (chosen && !chosen.getElement()) group.zoomToShowLayer(chosen, show);
      else show();
    },
  };
}

// A cluster is a button for a screen reader too, so it needs a name.
function nameClusters(group, label) {
  for (const disc of group._map?.getPane("markerPane").querySelectorAll(".cluster") ?? []) {
    disc.parentElement.setAttribute("aria-label", `${label} × ${disc.textContent}`);
  }
}
