# The cable between this machine and the node, and the addresses of fleets.

in_node() { nsenter --target "$(node_pid)" --net "$@"; }

connect_node() {
  # What is not routed to the node must not leave this machine.
  ip route replace blackhole "$LAB_RANGE"
  ip link add "$HOST_LINK" type veth peer name eth0 netns "$(node_pid)"
  ip address add "$HOST_ADDRESS/30" dev "$HOST_LINK"
  ip link set "$HOST_LINK" up
  in_node ip address add "$NODE_ADDRESS/30" dev eth0
  in_node ip link set eth0 up
  in_node ip link set lo up
  in_node sysctl --quiet --write net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0
  # last: the node's first process waits for it
  in_node ip route add default via "$HOST_ADDRESS"
  local range
  for range in "$POD_RANGE" "$SERVICE_RANGE" "$LOAD_BALANCER_RANGE"; do
    ip route replace "$range" via "$NODE_ADDRESS"
  done
}

# Makes every address of a range this machine's own, by one route: a client binds to any of them. The node
# answers to the whole of FLEET_RANGE by its default route.
add_fleet() {
  local range
  for range in "$@"; do
    in_fleet_range "$range" || fail "$range is not a range within $FLEET_RANGE"
    ip route replace local "$range" dev lo
  done
}

in_fleet_range() {
  [[ $1 =~ ^198\.18\.([0-9]+)\.[0-9]+/([0-9]+)$ ]] || return 1
  local third=${BASH_REMATCH[1]} prefix=${BASH_REMATCH[2]}
  [ "$third" -ge 128 ] && [ "$third" -lt 192 ] && [ "$prefix" -ge 18 ] && [ "$prefix" -le 32 ]
}

remove_network() {
  local range
  ip link delete "$HOST_LINK" 2>/dev/null || true
  ip route flush table local type local root "$FLEET_RANGE" 2>/dev/null || true
  for range in "$POD_RANGE" "$SERVICE_RANGE" "$LOAD_BALANCER_RANGE"; do
    ip route delete "$range" via "$NODE_ADDRESS" 2>/dev/null || true
  done
  ip route delete blackhole "$LAB_RANGE" 2>/dev/null || true
}
