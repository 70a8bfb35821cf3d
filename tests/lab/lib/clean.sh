# Takes away what a lab that was killed leaves behind. Called with the lock held, so no lab is alive.

clean_remains() {
  remove_network
  remove_cgroups
  rm -rf --one-file-system "$RUN"
}
