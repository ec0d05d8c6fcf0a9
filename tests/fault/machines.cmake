# The deliberate defects of the machines over internal partitions (log.cmake has the function).
if(WEIR_SEEDED_BUGS)
  foreach(bug give-away-unconfirmed commit-without-owning commit-moves-back forget-members-at-load
              expire-group-with-members)
    weir_seeded_bug(${bug} group_simulation_test)
  endforeach()
  foreach(bug share-accept-any-token share-break-uncounted share-dead-holds-key share-drop-refused-letter share-due-ignores-key
              share-expire-early share-forget-alone share-forget-in-flight share-forget-max-attempts share-forget-pause
              share-keep-old-place share-late-accept-of-anybody)
    weir_seeded_bug(${bug} share_simulation_test)
  endforeach()
  foreach(bug share-accept-any-token share-forget-max-attempts)
    weir_seeded_bug(${bug} share_kill_test)
  endforeach()
  weir_seeded_bug(share-forget-later-parked share_machine_test)
  weir_seeded_bug(share-forget-park-limit share_script_test)
  weir_seeded_bug(share-no-late-accept share_script_test)
  weir_seeded_bug(share-wake-too-early share_script_test)
  weir_seeded_bug(replay-stops-early broker_kill_test)
  foreach(bug delete-group-with-members dry-run-resets)
    weir_seeded_bug(${bug} broker_model_test)
  endforeach()
endif()
