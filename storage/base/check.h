// WEIR_CHECK: an assertion for our own bugs, on in every build. It is not for the world's errors;
// those are absl::Status. (Debian's abseil has no absl/log, hence this one macro.)
#ifndef WEIR_STORAGE_BASE_CHECK_H_
#define WEIR_STORAGE_BASE_CHECK_H_

#include <cstdio>
#include <cstdlib>

#define WEIR_CHECK(condition)                                                                     \
  do {                                                                                            \
    if (!(condition)) [[unlikely]] {                                                              \
      std::fprintf(stderr, "%s:%d: internal check failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                               \
    }                                                                                             \
  } while (false)

// Returns from a function with the error of a Status expression.
#define WEIR_RETURN_IF_ERROR(expression)                                                   \
  do {                                                                                     \
    if (absl::Status weir_status_ = (expression); !weir_status_.ok()) return weir_status_; \
  } while (false)

#define WEIR_CONCAT_INNER_(a, b) a##b
#define WEIR_CONCAT_(a, b) WEIR_CONCAT_INNER_(a, b)
// WEIR_ASSIGN_OR_RETURN(auto value, StatusOrExpression()): declares and assigns, or returns the
// error.
#define WEIR_ASSIGN_OR_RETURN(declaration, expression) \
  WEIR_ASSIGN_OR_RETURN_(WEIR_CONCAT_(weir_or_, __LINE__), declaration, expression)
#define WEIR_ASSIGN_OR_RETURN_(temporary, declaration, expression) \
  auto temporary = (expression);                                   \
  if (!temporary.ok()) return std::move(temporary).status();       \
  declaration = *std::move(temporary)

#endif  // WEIR_STORAGE_BASE_CHECK_H_
