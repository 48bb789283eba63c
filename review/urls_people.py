"""The people of a staff desk; included by both staff hosts."""

from django.urls import path

from review.views import people

urlpatterns = [
    path("people/", people.people, name="people"),
    path("people/new/", people.person_new, name="person-new"),
    path("people/import/", people.people_import, name="people-import"),
    path("people/import/staff.<str:form>", people.people_import_template, name="people-import-template"),
    path("people/<int:user_id>/", people.person, name="person"),
    path("people/<int:user_id>/particulars/", people.person_particulars, name="person-particulars"),
    path("people/<int:user_id>/roles/", people.person_roles, name="person-roles"),
    path("people/<int:user_id>/invitation/", people.person_invitation, name="person-invitation"),
    path("people/<int:user_id>/password/", people.person_password, name="person-password"),
    path("people/<int:user_id>/second-factor/", people.person_second_factor, name="person-second-factor"),
    path("people/<int:user_id>/deactivation/", people.person_deactivation, name="person-deactivation"),
    path("people/<int:user_id>/reactivation/", people.person_reactivation, name="person-reactivation"),
    path("people/<int:user_id>/cases/", people.person_cases, name="person-cases"),
    path("people/<int:user_id>/leave/", people.person_leave, name="person-leave"),
    path("leave/", people.leave, name="leave"),
    path("leave/<int:absence_id>/end/", people.leave_end, name="leave-end"),
]
