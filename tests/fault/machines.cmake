# The deliberate defects of the machines over internal partitions (log.cmake has the function).
if(WEIR_SEEDED_BUGS)
  foreach(bug give-away-unconfirmed commit-without-owning commit-moves-back forget-members-at-load)
    weir_seeded_bug(${bug} group_simulation_test)
  endforeach()
endif()
